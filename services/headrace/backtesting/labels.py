"""Labels on their way: known only when the charter says that they come."""

import heapq
from typing import NamedTuple

from headrace.errors import HeadraceError
from headrace.usecase.labels import Labels


class Pending(NamedTuple):
    """What will be known of an event; sorted by when, then by the order of the events."""

    due_ms: int
    row: int
    is_positive: bool


class Clock:
    """Tells when each label is known.

    A positive is known after its source's delay; a negative when the horizon has passed and nobody
    has disputed the event.

    Raises
    ------
    HeadraceError
        The charter has several sources, and a recording does not say which one a label is from.
    """

    def __init__(self, labels: Labels) -> None:
        sources = [source for source in labels.sources.values() if not source.corrects]
        if len(sources) != 1:
            raise HeadraceError(
                f"The charter has {len(sources)} sources of labels, and a recording has one.",
                fix="Declare one source under [labels.sources], those that correct aside.",
            )
        self._delay_ms, self._horizon_ms = sources[0].delay_ms, labels.horizon_ms

    @property
    def soonest_ms(self) -> int:
        """How long after an event its label is known at the earliest."""
        return min(self._delay_ms, self._horizon_ms)

    def due_ms(self, time_ms: int, *, is_positive: bool) -> int:
        """Return when it is known what an event of a time was."""
        return time_ms + (self._delay_ms if is_positive else self._horizon_ms)


class Waiting:
    """Labels that are not known yet."""

    def __init__(self) -> None:
        self._heap: list[Pending] = []

    def add(self, pending: Pending) -> None:
        """Let a label wait."""
        heapq.heappush(self._heap, pending)

    def known(self, until_ms: int) -> list[Pending]:
        """Take out what is known by then, in the order in which it became so."""
        known = []
        while self._heap and self._heap[0].due_ms <= until_ms:
            known.append(heapq.heappop(self._heap))
        return known
