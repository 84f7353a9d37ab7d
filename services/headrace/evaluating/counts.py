"""What is counted of one model's scores; counts of windows add up to those of longer ones."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headrace.evaluating.levels import BINS, LOSSES, NO_SCORE, SCORES, Ints, bins, places
from headrace.evaluating.rows import CENSORED, Table


@dataclass(frozen=True, eq=False)
class Counts:
    """Whole numbers all, so that sums and differences are exact, in any order."""

    histogram: Ints
    """(2, BINS): negatives and positives by the bin of their score."""
    loss: int = 0
    """Sum of the log losses, in 1/UNIT."""
    scores: int = 0
    """Sum of the scores of what is known, in 1/UNIT."""
    censored: int = 0
    priced: int = 0
    """Outcomes that have costs."""
    cost_minor: int = 0
    approving_minor: int = 0

    @property
    def negatives(self) -> int:
        """How many were negative."""
        return int(self.histogram[0].sum())

    @property
    def positives(self) -> int:
        """How many were positive."""
        return int(self.histogram[1].sum())

    def __bool__(self) -> bool:
        return bool(self.censored or self.priced or self.histogram.any())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Counts):
            return NotImplemented
        return np.array_equal(self.histogram, other.histogram) and self._sums == other._sums

    def __hash__(self) -> int:
        return hash((self.histogram.tobytes(), self._sums))

    def __add__(self, other: "Counts") -> "Counts":
        sums = (mine + its for mine, its in zip(self._sums, other._sums, strict=True))
        return Counts(self.histogram + other.histogram, *sums)

    def __sub__(self, other: "Counts") -> "Counts":
        sums = (mine - its for mine, its in zip(self._sums, other._sums, strict=True))
        return Counts(self.histogram - other.histogram, *sums)

    @property
    def _sums(self) -> tuple[int, ...]:
        money = (self.priced, self.cost_minor, self.approving_minor)
        return (self.loss, self.scores, self.censored, *money)


def nothing() -> Counts:
    """Return the counts of no outcome."""
    return Counts(np.zeros((2, BINS), np.int64))


def counted(table: Table, model: int) -> Counts:
    """Return the counts of the outcomes that a model has scored, by its place among the models."""
    levels = table["levels"][:, model]
    values, is_scored = table["value"], levels != NO_SCORE
    is_known = is_scored & (values != CENSORED)
    levels, positive = levels[is_known], values[is_known].astype(np.int64)
    histogram = np.bincount(positive * BINS + bins(levels), minlength=2 * BINS)
    at = places(levels)
    return Counts(
        histogram.reshape(2, BINS).astype(np.int64),
        loss=int(LOSSES[positive, at].sum()),
        scores=int(SCORES[at].sum()),
        censored=int((is_scored & ~is_known).sum()),
    )


def priced(table: Table) -> Counts:
    """Return what outcomes have cost, whichever model has scored them, or none."""
    has_costs = table[table["is_priced"]]
    return Counts(
        nothing().histogram,
        priced=len(has_costs),
        cost_minor=_exact_sum(has_costs["cost_minor"]),
        approving_minor=_exact_sum(has_costs["approving_minor"]),
    )


def _exact_sum(numbers: NDArray[np.int64]) -> int:
    """Return a sum that may be larger than its numbers' 64 bits."""
    return (int((numbers >> 32).sum()) << 32) + int((numbers & 0xFFFF_FFFF).sum())
