"""What is to be looked at again, and when; it follows from the state, and is kept beside it.

A timer that was set by work that was thrown away finds nothing to do. One that was taken out by
such work is set anew from the state, see :meth:`Timers.settle`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from heapq import heappop, heappush
from typing import Any, Final

from headrace.chassis.restore import Offsets
from headrace.chassis.state import KeyedState
from headrace.labelling.state import State, Waiting
from headrace.usecase.charter import Charter

_LOOK_EVERY: Final = 10_000
MOST: Final = 20_000
"""At most so many are due at once, so that a transaction stays small; the others are due with the
next record of their partition."""


class Timers:
    """Of each partition, the events by when they are due.

    Parameters
    ----------
    charter
        How long is waited for what.
    """

    def __init__(self, charter: Charter) -> None:
        labels, lateness_ms = charter.labels, charter.events.lateness_ms
        self._matures_after_ms = labels.horizon_ms + lateness_ms
        # Those who correct are not waited for, so what they said in time may still be unread.
        self._ends_after_ms = labels.longest_horizon_ms + lateness_ms + labels.orphan_after_ms
        self._orphan_after_ms = labels.orphan_after_ms + lateness_ms
        self._taken: list[tuple[list[tuple[int, str]], tuple[int, str]]] = []
        """By the attempt under way, and from which heap."""
        self._by_labels: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
        """Events that were decided: due by the time of the labels."""
        self._by_decisions: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
        """Labels without a decision: due by the time of the decisions."""

    def ends_ms(self, decided_at_ms: int) -> int:
        """Return when an event is forgotten: nobody may speak of it any more."""
        return decided_at_ms + self._ends_after_ms

    def orphaned_ms(self, observed_at_ms: int) -> int:
        """Return when a label's decision is not waited for any more."""
        return observed_at_ms + self._orphan_after_ms

    def set(self, partition: int, key: str, waiting: Waiting) -> None:
        """Have an event looked at when it is next due."""
        decided = waiting.case.decided
        if decided is None:
            for label in waiting.case.labels.values():
                due_ms = self.orphaned_ms(label.observed_at_ms)
                heappush(self._by_decisions[partition], (due_ms, key))
        else:
            is_told = waiting.case.told is not None
            after_ms = self._ends_after_ms if is_told else self._matures_after_ms
            heappush(self._by_labels[partition], (decided.at_ms + after_ms, key))

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Handle a batch; where that fails, what was due in it stays due."""
        self._taken.clear()
        try:
            yield
        except BaseException:
            for heap, entry in self._taken:
                heappush(heap, entry)
            raise
        finally:
            self._taken.clear()

    def due(self, partition: int, labels_ms: int, decisions_ms: int) -> list[str]:
        """Take out the keys that are due; to be called in an :meth:`attempt`."""
        taken: list[str] = []
        for heaps, until_ms in ((self._by_labels, labels_ms), (self._by_decisions, decisions_ms)):
            heap = heaps[partition]
            while heap and heap[0][0] <= until_ms and len(taken) < MOST:
                entry = heappop(heap)
                self._taken.append((heap, entry))
                taken.append(entry[1])
        return taken

    def settle(
        self,
        state: KeyedState[Any],
        committed: Mapping[int, Offsets],
        go_on: Callable[[], bool],
    ) -> bool:
        """Set all timers of the partitions in hand from their state."""
        self._by_labels.clear()
        self._by_decisions.clear()
        for partition in committed:
            values: dict[str, State] = state.of(partition)
            for number, (key, waiting) in enumerate(values.items()):
                if number % _LOOK_EVERY == 0 and not go_on():
                    return False
                if isinstance(waiting, Waiting):
                    self.set(partition, key, waiting)
        return True
