"""Watching how many events there are, hour by hour of event time."""

from collections.abc import Iterator, Mapping
from math import log
from statistics import median
from typing import Any, Final

from headrace.drift.blocks import HOURS
from headrace.drift.monitor import Value

HOUR_MS: Final = 3_600_000
_WEEKS: Final = (3, 8)
"""Of an hour of the week: before it is known what is usual there, and that are remembered."""
_OPEN: Final = 2
"""Hours that may still have events; more come late."""
_MOST_SILENT: Final = HOURS
"""Hours without any event that are looked at, one after the other; those before are forgotten."""


class Volume:
    """Counts events by hour; usual at an hour of the week is the median of those before.

    So hours in which something was amiss do not make those of the weeks after look strange.
    """

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._next: int | None = None
        """The first hour that is not over."""
        self._before: list[list[int]] = [[] for _ in range(HOURS)]
        """By hour of the week: how many events there were, the latest week last."""
        self._hours = self._events = 0

    @property
    def hours_an_event(self) -> float:
        """How many hours were looked at for each event."""
        return (self._hours + 1) / (self._events + 1)

    def take(self, at_ms: int, records: int) -> Iterator[Value]:
        """Count events of one hour; yield a value for each hour that is over.

        It is the logarithm of how many there were, of what is usual at that hour of the week.
        """
        hour = at_ms // HOUR_MS
        if self._next is None:
            self._next = hour + 1  # the first hour may have begun before
        if hour < self._next:
            return
        self._events += records
        self._counts[hour] = self._counts.get(hour, 0) + records
        if hour - self._next > _MOST_SILENT:
            self._next = hour - _MOST_SILENT
            self._counts = {each: n for each, n in self._counts.items() if each >= self._next}
        while self._next <= hour - _OPEN:
            yield from self._close(self._next)
            self._next += 1

    def _close(self, hour: int) -> Iterator[Value]:
        count, before = self._counts.pop(hour, 0), self._before[hour_of_week(hour * HOUR_MS)]
        self._hours += 1
        if len(before) >= _WEEKS[0]:
            usual = median(before)
            yield Value(log((count + 1) / (usual + 1)), hour * HOUR_MS, "")
        before.append(count)
        del before[: -_WEEKS[1]]

    def slots(self) -> dict[int, dict[str, Any]]:
        """Return all of it as JSON, for :meth:`restore`, in one slot."""
        parts = {
            "counts": list(self._counts.items()),
            "next": self._next,
            "before": self._before,
            "hours": self._hours,
            "events": self._events,
        }
        return {0: parts}

    def restore(self, slots: Mapping[int, Mapping[str, Any]]) -> None:
        """Become what another was."""
        parts = slots[0]
        self._counts = dict(parts["counts"])
        self._next, self._before = parts["next"], parts["before"]
        self._hours, self._events = parts["hours"], parts["events"]


def hour_of_week(at_ms: int) -> int:
    """Return how many hours (UTC) a moment is after the beginning of its week, on Monday."""
    return (at_ms // HOUR_MS + 3 * 24) % HOURS  # the epoch was a Thursday
