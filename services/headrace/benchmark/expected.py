"""What must come out, computed from the input alone, all at once and by none of the contestants."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headrace.benchmark.payments import DAY_MS, START_MS, Payments
from headrace.usecase.charter import Charter

WINDOWS_DAYS = (1, 7, 30)
ACTIONS = np.array(["approve", "review", "decline"])
_APART_MS = 2**43
"""Between the times of one card and those of the next: longer than any time and window."""


@dataclass(frozen=True)
class Expected:
    """Of n events."""

    features: NDArray[np.float64]
    """(n, 7): the amount, then count and mean of each window."""
    scores: NDArray[np.float64]
    actions: NDArray[np.str_]


def expected(payments: Payments, charter: Charter) -> Expected:
    """Compute features, score and action of each event."""
    features = _features(payments)
    return scored(features, _scores(features, charter), payments, charter)


def scored(
    features: NDArray[np.float64],
    scores: NDArray[np.float64],
    payments: Payments,
    charter: Charter,
) -> Expected:
    """Return what must come out where a model gives these features (n, 7) these scores (n,)."""
    return Expected(features, scores, ACTIONS[_costs(scores, payments, charter).argmin(axis=0)])


def _features(payments: Payments) -> NDArray[np.float64]:
    order = np.lexsort((payments.times_ms, payments.cards))
    times = (payments.times_ms - START_MS + 31 * DAY_MS + payments.cards * _APART_MS)[order]
    totals = np.concatenate([[0], np.cumsum(payments.amounts[order])])
    ends = np.arange(1, len(order) + 1)
    features = np.empty((len(order), 1 + 2 * len(WINDOWS_DAYS)))
    features[:, 0] = payments.amounts
    for place, days in enumerate(WINDOWS_DAYS):
        starts = np.searchsorted(times, times - days * DAY_MS, side="right")
        counts = ends - starts
        features[order, 1 + 2 * place] = counts
        features[order, 2 + 2 * place] = (totals[ends] - totals[starts]) / counts
    return features


def _scores(features: NDArray[np.float64], charter: Charter) -> NDArray[np.float64]:
    card = charter.model
    terms = [card.features[name] for name in charter.feature_set.names]
    means, scales, weights = (
        np.array([getattr(term, part) for term in terms]) for part in ("mean", "scale", "weight")
    )
    logits = card.intercept + ((features - means) / scales) @ weights
    scores: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-logits))
    return scores


def _costs(
    scores: NDArray[np.float64], payments: Payments, charter: Charter
) -> NDArray[np.float64]:
    values, amounts = charter.values, payments.amounts
    assert values is not None  # noqa: S101 -- the bench charter declares them
    missed, declined, review = values.missed, values.false_decline, values.review
    approve = scores * (amounts * missed.share + missed.fixed_minor)
    return np.stack(
        [
            approve,
            approve * review.missed_share + review.cost_minor,
            (1 - scores) * (amounts * declined.share + declined.fixed_minor),
        ]
    )
