"""From counts to the numbers that people read; each is None where it cannot be said.

Outcomes whose scores share a bin count as ties. So ROC AUC is off by at most half the share of the
pairs of a positive and a negative that share a bin, and the others accordingly; on scores that
stand in the middle of different bins they are what sorting gives.
"""

from typing import Final, NamedTuple

import numpy as np

from headrace.evaluating.counts import Counts
from headrace.evaluating.levels import BIN_SCORES, UNIT, Ints

_GROUPS: Final = 10


class Measures(NamedTuple):
    """How good scores were, over the outcomes that are known."""

    log_loss: float | None
    """Mean of -ln of the probability that was given to what it was."""
    roc_auc: float | None
    """How likely a positive scores above a negative; ties count half."""
    average_precision: float | None
    """Mean of the precision, weighted by how much recall each step adds."""
    precision_at_capacity: float | None
    """Share of positives among the highest scores that people have time to look at."""
    calibration_error: float | None
    """Mean distance of score and share of positives, over ten groups of about as many outcomes."""
    mean_score: float | None
    positive_share: float | None
    """Equal to the mean score, where scores are right on average."""


def measure(counts: Counts, capacity: int | None) -> Measures:
    """Return the measures.

    Parameters
    ----------
    capacity
        How many of the outcomes people could have looked at; None where that is not limited.
    """
    positives, known = counts.positives, counts.positives + counts.negatives
    if not known:
        return Measures(*[None] * len(Measures._fields))
    return Measures(
        log_loss=counts.loss / UNIT / known,
        roc_auc=_roc_auc(counts.histogram) if 0 < positives < known else None,
        average_precision=_average_precision(counts.histogram) if positives else None,
        precision_at_capacity=_precision_at(counts.histogram, capacity) if capacity else None,
        calibration_error=_calibration_error(counts.histogram),
        mean_score=counts.scores / UNIT / known,
        positive_share=positives / known,
    )


def _roc_auc(histogram: Ints) -> float:
    negatives, positives = histogram
    twice_below = 2 * np.cumsum(negatives) - negatives
    pairs = int(positives.sum()) * int(negatives.sum())
    return int((positives * twice_below).sum()) / (2 * pairs)


def _average_precision(histogram: Ints) -> float:
    """Return the sum of (R_n - R_(n-1)) P_n over the bins, from the highest down."""
    hits, both = _from_the_highest(histogram)
    precision = np.cumsum(hits) / np.cumsum(both)
    return float((hits * precision).sum() / hits.sum())


def _precision_at(histogram: Ints, capacity: int) -> float:
    """Return the share of positives among the highest scores; the last bin counts pro rata."""
    hits, both = _from_the_highest(histogram)
    looked_at = np.minimum(both, np.maximum(0, capacity - (np.cumsum(both) - both)))
    return float((hits * (looked_at / both)).sum() / looked_at.sum())


def _from_the_highest(histogram: Ints) -> tuple[Ints, Ints]:
    """Return positives and all, (m,), of the bins that are not empty, from the highest down."""
    both = histogram.sum(axis=0)[::-1]
    return histogram[1, ::-1][both > 0], both[both > 0]


def _calibration_error(histogram: Ints) -> float:
    """Return the expected calibration error; a group is whole bins.

    Naeini, Cooper, Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning",
    AAAI 2015; with groups of equal size, as most scores of rare positives are near 0.
    """
    both = histogram.sum(axis=0)
    known = both.sum()
    middles = np.cumsum(both) - both / 2
    groups = np.minimum(_GROUPS - 1, (middles * _GROUPS / known).astype(np.int64))
    gaps = np.bincount(groups, histogram[1] - both * BIN_SCORES, _GROUPS)
    return float(np.abs(gaps).sum() / known)
