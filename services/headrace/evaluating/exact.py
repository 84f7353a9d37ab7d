"""How well scores rank: the measures of the Fraud Detection Handbook.

Le Borgne, Siblini, Lebichot, Bontempi, "Reproducible Machine Learning for Credit Card Fraud
Detection - Practical Handbook", 2022, chapter 4.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def roc_auc(positive: Bools, scores: Floats) -> float:
    """Return how likely a positive (n,) scores above a negative; ties count half."""
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    positives = int(positive.sum())
    negatives = len(positive) - positives
    above = ranks[positive].sum() - positives * (positives + 1) / 2
    return float(above / (positives * negatives)) if positives and negatives else float("nan")


def precision_recall(positive: Bools, scores: Floats) -> tuple[Floats, Floats]:
    """Return precision and recall at each distinct score, from the highest down."""
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.diff(scores[order], append=-np.inf))
    hits = np.cumsum(positive[order])[ends]
    return hits / (ends + 1), hits / max(1, int(positive.sum()))


def average_precision(positive: Bools, scores: Floats) -> float:
    """Return the mean of the precision, weighted by how much recall each step adds."""
    if not positive.any():
        return float("nan")
    precision, recall = precision_recall(positive, scores)
    return float((np.diff(recall, prepend=0.0) * precision).sum())


def card_precision(
    days: NDArray[np.int64],
    cards: Sequence[str] | NDArray[np.str_],
    positive: Bools,
    scores: Floats,
    most: int = 100,
) -> float:
    """Return the share of compromised cards among those that can be looked at, a day's mean.

    Each day the ``most`` cards with the highest scores are looked at; a card that was found to be
    compromised is left out on the days after.

    Parameters
    ----------
    days, cards, positive, scores
        (n,), of each event.
    """
    _, card = np.unique(np.asarray(cards), return_inverse=True)
    found = np.zeros(card.max(initial=-1) + 1, bool)
    shares = []
    for day in np.unique(days):
        rows = np.flatnonzero((days == day) & ~found[card])
        best = np.full(len(found), -np.inf)
        np.maximum.at(best, card[rows], scores[rows])
        is_compromised = np.zeros(len(found), bool)
        np.logical_or.at(is_compromised, card[rows], positive[rows])
        there = np.flatnonzero(best > -np.inf)
        top = there[np.argsort(-best[there], kind="stable")][:most]
        hits = top[is_compromised[top]]
        shares.append(len(hits) / most)
        found[hits] = True
    return float(np.mean(shares)) if shares else float("nan")
