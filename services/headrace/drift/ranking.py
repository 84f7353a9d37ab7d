"""How surprising a value is among those before it: by its rank."""

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Sequence
from statistics import NormalDist
from typing import Final

MOST: Final = 2_000
"""Values that are remembered."""
_NORMAL: Final = NormalDist()
_SCALES: Final = (8, 64)
"""Surprises in a row whose sum is looked at."""


class Ranking:
    """Turns values into surprises.

    Where the values so far and the next one come in any order with equal chance, its rank among
    them is uniform, whatever their distribution; ties are broken by a number from outside (a
    conformal p-value: Vovk, Gammerman and Shafer, *Algorithmic Learning in a Random World*, 2005).
    The surprise is the normal deviate of the rank: standard normal, large where the value is.

    Where values come in clumps, so do surprises. Their sums over 8 and 64 in a row tell how much
    (batch means): whoever divides surprises by that takes a clump for what it is.

    Parameters
    ----------
    least
        No value is surprising before so many are known.
    two_sided
        Whether small values matter. Where they don't, neither do their clumps: what falls for long
        must not hide what rises then.
    """

    def __init__(self, least: int, *, two_sided: bool = True) -> None:
        self._least, self._two_sided = least, two_sided
        self._sorted: list[float] = []
        self._order: deque[float] = deque()
        self._sums = [0.0] * len(_SCALES)
        self._squares = [0.0] * len(_SCALES)
        self._surprises = 0

    def surprise(self, value: float, tie: float) -> float | None:
        """Return how surprising a value is, in standard deviations; None before enough is known.

        Parameters
        ----------
        tie
            In [0, 1): of those that are equal, how many count as smaller.
        """
        known = len(self._sorted)
        if known < self._least:
            return None
        below = bisect_left(self._sorted, value)
        equal = bisect_right(self._sorted, value) - below
        rank = (below + tie * (equal + 1)) / (known + 1)
        smallest = 0.5 / (known + 1)
        return _NORMAL.inv_cdf(min(max(rank, smallest), 1 - smallest))

    @property
    def known(self) -> int:
        """How many values are usual."""
        return len(self._sorted)

    @property
    def is_clumping_known(self) -> bool:
        """Whether there was a sum of each length."""
        return self._surprises >= _SCALES[-1]

    @property
    def clumping(self) -> float:
        """Standard deviation of the surprises' sums, of what it would be without clumps; >= 1."""
        worst = 1.0
        for square, scale in zip(self._squares, _SCALES, strict=True):
            # Four sums as they should be are put before those that there were.
            worst = max(worst, (square + 4) / (self._surprises // scale + 4))
        return float(worst**0.5)

    @property
    def values(self) -> Sequence[float]:
        """The values that are usual, in the order in which they came."""
        return self._order

    @property
    def mean(self) -> float:
        """Mean of the values that are known; 0 where none is."""
        return sum(self._order) / len(self._order) if self._order else 0.0

    def learn(self, value: float, surprise: float | None) -> None:
        """Take a value among those that are usual."""
        insort(self._sorted, value)
        self._order.append(value)
        if len(self._order) > MOST:
            del self._sorted[bisect_left(self._sorted, self._order.popleft())]
        if surprise is not None:
            self._add(surprise)

    def forget(self) -> None:
        """Forget what is usual; how values clump is held to stay as it is."""
        self._sorted, self._order = [], deque()

    def _add(self, surprise: float) -> None:
        self._surprises += 1
        for n, scale in enumerate(_SCALES):
            self._sums[n] += surprise
            if self._surprises % scale == 0:
                square = self._sums[n] ** 2 / scale
                if not self._two_sided:
                    square *= 2 if self._sums[n] > 0 else 0
                self._squares[n] += square
                self._sums[n] = 0.0

    def parts(self) -> list[Sequence[float]]:
        """Return all of it, for :meth:`restore`."""
        return [list(self._order), self._sums, self._squares, [self._surprises]]

    def restore(self, parts: Sequence[Sequence[float]]) -> None:
        """Become what another was."""
        values, sums, squares, (surprises,) = parts
        self._order, self._sorted = deque(values), sorted(values)
        self._sums, self._squares, self._surprises = list(sums), list(squares), int(surprises)
