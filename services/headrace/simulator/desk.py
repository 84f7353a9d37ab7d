"""Turns decisions into labels and heartbeats at event time: a pure fold over each partition."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any

from headrace.contracts.records import LabelObserved
from headrace.simulator.labels import DELAYS, labels_of
from headrace.simulator.scenario import Scenario
from headrace.simulator.seasons import HOUR_MS
from headrace.simulator.truth import Truth

_NOT_ACTED_ON = "approve"
"""What happens to an event while nobody acts on its decision."""


@dataclass(slots=True)
class _Partition:
    """How far one partition has come, and what is yet to be said in it."""

    clock_ms: int = 0
    heartbeat_ms: int = 0
    """Of the latest."""
    pending: list[tuple[int, str, int, LabelObserved]] = field(default_factory=list)

    def add(self, label: LabelObserved) -> None:
        """Keep a label until it is due."""
        entry = (label["observed_at_ms"], label["event_id"], label["revision"], label)
        heappush(self.pending, entry)

    def advance(self, until_ms: int, heartbeat_every_ms: int) -> list[LabelObserved]:
        """Let its clock run on; return what is due by then, and the heartbeats that follow it."""
        self.clock_ms = max(self.clock_ms, until_ms)
        said = []
        while self.pending and self.pending[0][0] <= self.clock_ms:
            said.append(heappop(self.pending)[-1])
        if self.clock_ms - self.heartbeat_ms >= heartbeat_every_ms:
            self.heartbeat_ms = self.clock_ms
            said += heartbeats(self.clock_ms)
        return said


class LabelDesk:
    """Knows the truth about one world, and tells it as it would become known.

    A partition's clock is the newest event time among its decisions, so what comes out of it, and
    in which order, depends on the scenario and the partition's decisions alone. A label is due
    when that clock has reached its event time. What is said of an event that is decided late is
    known after its decision, not before: no heartbeat has spoken of that time yet.

    Parameters
    ----------
    heartbeat_every_ms
        Event time after which each source says again that it has said all.
    """

    def __init__(self, scenario: Scenario, heartbeat_every_ms: int = HOUR_MS) -> None:
        self._scenario = scenario
        self._heartbeat_every_ms = heartbeat_every_ms
        self._truth = Truth(scenario)
        self._decided = bytearray(scenario.events)
        self.decided = 0
        """How many of the world's events have been seen decided."""
        self._partitions: dict[int, _Partition] = defaultdict(_Partition)

    @property
    def pending(self) -> int:
        """How many labels are not due yet."""
        return sum(len(partition.pending) for partition in self._partitions.values())

    def observe(self, partition: int, decision: Mapping[str, Any]) -> list[LabelObserved]:
        """Take the next decision of a partition; return what is said in it by now, in order.

        A decision about another world's event changes nothing, and only an event's first one
        counts.
        """
        number = self._truth.number(decision["event_id"])
        if number is None or self._decided[number]:
            return []
        self._decided[number] = True
        self.decided += 1
        at_ms: int = decision["occurred_at_ms"]
        desk = self._partitions[partition]
        decided_at_ms = max(at_ms, desk.clock_ms)
        labels = labels_of(
            self._scenario,
            number,
            fraudulent=self._truth.fraudulent(number),
            action=decision["action"] if decision["acted"] else _NOT_ACTED_ON,
            occurred_at_ms=at_ms,
        )
        for label in labels:
            desk.add(
                {
                    "event_id": decision["event_id"],
                    "key": decision["key"],
                    "source": label.source,
                    "value": label.fraudulent,
                    "observed_at_ms": max(label.observed_at_ms, decided_at_ms + 1),
                    "revision": label.revision,
                    "kind": "label",
                }
            )
        return desk.advance(decided_at_ms, self._heartbeat_every_ms)

    def rest(self, partitions: int, wait_ms: int) -> Iterator[tuple[int, LabelObserved]]:
        """Let event time run on in all partitions; yield what is said, with its partition.

        It runs on until nothing is pending. The last heartbeats say that nothing more will come:
        they reach ``wait_ms`` past the newest decision, or to the last label if that is later.
        Where nothing was decided, nothing is said.
        """
        if not self._partitions:
            return
        newest_ms = max(partition.clock_ms for partition in self._partitions.values())
        pending = [entry for partition in self._partitions.values() for entry in partition.pending]
        times_ms = sorted({at_ms for at_ms, *_ in pending})
        for at_ms in times_ms:
            for number in range(partitions):
                for record in self._partitions[number].advance(at_ms, self._heartbeat_every_ms):
                    yield number, record
        end_ms = max(newest_ms + wait_ms, *times_ms[-1:])
        for number in range(partitions):
            for record in heartbeats(end_ms):
                yield number, record


def heartbeats(until_ms: int) -> list[LabelObserved]:
    """Return each source's word that it has published all that it observed until then."""
    return [
        {
            "event_id": "",
            "key": "",
            "source": source,
            "value": False,
            "observed_at_ms": until_ms,
            "revision": 0,
            "kind": "heartbeat",
        }
        for source in DELAYS
    ]
