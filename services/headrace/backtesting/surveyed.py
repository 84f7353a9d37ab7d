"""What a topic of decisions holds, before they are read again beside the events they are about."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from headrace.chassis.records import Received

Decision = Mapping[str, Any]
"""A ``DecisionMade``."""


class InOrder:
    """Tells which decisions stand where scoring writes them: beside their event, in its order."""

    def __init__(self) -> None:
        self.last: dict[int, int] = {}
        """By partition, the offset of the latest event that was decided in order."""

    def has(self, each: Received) -> bool:
        """Tell whether a decision is one of them; given once, after those before it."""
        partition, offset = each.record["source_partition"], each.record["source_offset"]
        if partition != each.partition or offset <= self.last.get(partition, -1):
            return False
        self.last[partition] = offset
        return True


class Surveyed:
    """The decisions of a use case: how many there are, and those that stand elsewhere.

    Parameters
    ----------
    received
        All of them, each partition's in its order.
    """

    def __init__(self, received: Iterable[Received]) -> None:
        in_order, self.last = InOrder(), dict[int, int]()
        """By partition of the events, the offset of the last event that was decided."""
        self.number = Counter[int]()
        """Of the decisions, by partition of the events."""
        self._strays = defaultdict[int, list[Decision]](list)
        for each in received:
            partition, offset = each.record["source_partition"], each.record["source_offset"]
            self.number[partition] += 1
            self.last[partition] = max(offset, self.last.get(partition, -1))
            if not in_order.has(each):
                self._strays[partition].append(each.record)

    def strays(self, partition: int) -> dict[int, list[Decision]]:
        """Return, by offset of the event, the decisions that stand elsewhere or come again."""
        found = defaultdict[int, list[Decision]](list)
        for record in self._strays[partition]:
            found[record["source_offset"]].append(record)
        return found

    def again(self, partition: int, received: Iterable[Received]) -> Iterator[Decision]:
        """Yield the others of a partition, which is read again; newer ones are left out."""
        in_order, last = InOrder(), self.last.get(partition, -1)
        for each in received:
            if in_order.has(each) and each.record["source_offset"] <= last:
                yield each.record
