"""How many dead letters are too many: a bad deploy must not drain a topic into them."""

from collections import deque
from collections.abc import Sequence
from typing import Self


class DeadLetterLimit:
    """A limit on the share among the latest records, and on an unbroken run.

    Parameters
    ----------
    ratio
        Largest share of dead letters among the latest ``window`` records (once so many were seen).
    window
        How many of the latest records the share is taken over.
    run
        Largest number of dead letters in an unbroken row.
    """

    def __init__(self, ratio: float, window: int, run: int) -> None:
        self._ratio = ratio
        self._run = run
        self._latest: deque[bool] = deque(maxlen=window)
        self._dead = 0
        self._row = 0

    def first_past(self, dead: Sequence[bool]) -> int | None:
        """Return the index of the first record at which the limit is passed, or None.

        Parameters
        ----------
        dead
            For each record in order: did it become a dead letter? Seen once, counted for good.
        """
        if not self._dead and not any(dead):
            self._latest.extend(dead)
            self._row = 0
            return None
        for index, is_dead in enumerate(dead):
            self._observe(is_dead)
            if self._row > self._run or self._share_is_past():
                return index
        return None

    def copy(self) -> Self:
        """Return a limit that has counted the same."""
        other = type(self)(self._ratio, self._latest.maxlen or 1, self._run)
        other._latest.extend(self._latest)
        other._dead, other._row = self._dead, self._row
        return other

    def reset(self) -> None:
        """Start counting anew."""
        self._latest.clear()
        self._dead = self._row = 0

    def __str__(self) -> str:
        """Say where the counts stand."""
        return f"{self._dead} of the latest {len(self._latest)} records, {self._row} in a row"

    def _observe(self, is_dead: bool) -> None:
        if len(self._latest) == self._latest.maxlen:
            self._dead -= self._latest[0]
        self._latest.append(is_dead)
        self._dead += is_dead
        self._row = self._row + 1 if is_dead else 0

    def _share_is_past(self) -> bool:
        size = len(self._latest)
        return size == self._latest.maxlen and self._dead > self._ratio * size
