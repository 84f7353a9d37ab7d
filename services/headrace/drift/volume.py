"""Watching how many events there are, hour by hour of event time."""

from collections.abc import Iterator, Mapping
from math import log
from typing import Any, Final

from headrace.drift.blocks import HOURS
from headrace.drift.monitor import Value

HOUR_MS: Final = 3_600_000
_WEEKS: Final = 3
"""Of an hour of the week, before it is known what is usual there."""
_OPEN: Final = 2
"""Hours that may still have events; more come late."""
_MOST_SILENT: Final = HOURS
"""Hours without any event that are looked at, one after the other."""


class Volume:
    """Counts events by hour; what was usual at an hour of the week is the mean of all before."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._next: int | None = None
        """The first hour that is not over."""
        self._sums = [0] * HOURS
        self._weeks = [0] * HOURS

    def take(self, start_ms: int, records: int) -> Iterator[Value]:
        """Count events; yield a value for each hour that is over.

        It is the logarithm of how many there were, of what is usual at that hour of the week.
        """
        hour = start_ms // HOUR_MS
        if self._next is None:
            self._next = hour + 1  # the first hour may have begun before
        if hour < self._next:
            return
        self._counts[hour] = self._counts.get(hour, 0) + records
        last = hour - _OPEN
        self._next = max(self._next, last - _MOST_SILENT)
        while self._next <= last:
            yield from self._close(self._next)
            self._next += 1

    def _close(self, hour: int) -> Iterator[Value]:
        count, of_week = self._counts.pop(hour, 0), hour_of_week(hour * HOUR_MS)
        if self._weeks[of_week] >= _WEEKS:
            usual = self._sums[of_week] / self._weeks[of_week]
            yield Value(log((count + 1) / (usual + 1)), hour * HOUR_MS, "")
        self._sums[of_week] += count
        self._weeks[of_week] += 1

    def slots(self) -> dict[int, dict[str, Any]]:
        """Return all of it as JSON, for :meth:`restore`, in one slot."""
        parts = {
            "counts": list(self._counts.items()),
            "next": self._next,
            "sums": self._sums,
            "weeks": self._weeks,
        }
        return {0: parts}

    def restore(self, slots: Mapping[int, Mapping[str, Any]]) -> None:
        """Become what another was."""
        parts = slots[0]
        self._counts = dict(parts["counts"])
        self._next, self._sums, self._weeks = parts["next"], parts["sums"], parts["weeks"]


def hour_of_week(at_ms: int) -> int:
    """Return how many hours (UTC) a moment is after the beginning of its week, on Monday."""
    return (at_ms // HOUR_MS + 3 * 24) % HOURS  # the epoch was a Thursday
