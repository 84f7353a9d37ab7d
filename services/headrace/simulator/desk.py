"""Turns decisions into labels at their event time: a pure fold over each partition."""

from collections import defaultdict
from collections.abc import Mapping
from heapq import heappop, heappush
from typing import Any

from headrace.contracts.records import LabelObserved
from headrace.simulator.labels import labels_of
from headrace.simulator.scenario import Scenario
from headrace.simulator.truth import Truth

_NOT_ACTED_ON = "approve"
"""What happens to an event while nobody acts on its decision."""


class LabelDesk:
    """Knows the truth about one world, and tells it as it would become known.

    A partition's clock is the newest event time among its decisions, so what comes out of it, and
    in which order, depends on the scenario and the partition's decisions alone. A label is due
    when that clock has reached its event time.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._truth = Truth(scenario)
        self._decided = bytearray(scenario.events)
        self.decided = 0
        """How many of the world's events have been seen decided."""
        self._clock_ms: dict[int, int] = defaultdict(int)
        self._pending: dict[int, list[tuple[int, str, int, LabelObserved]]] = defaultdict(list)

    @property
    def pending(self) -> int:
        """How many labels are not due yet."""
        return sum(map(len, self._pending.values()))

    def observe(self, partition: int, decision: Mapping[str, Any]) -> list[LabelObserved]:
        """Take the next decision of a partition; return the labels that are due by now, in order.

        A decision about another world's event changes nothing, and only an event's first one
        counts.
        """
        number = self._truth.number(decision["event_id"])
        if number is None or self._decided[number]:
            return []
        self._decided[number] = True
        self.decided += 1
        at_ms: int = decision["occurred_at_ms"]
        labels = labels_of(
            self._scenario,
            number,
            fraudulent=self._truth.fraudulent(number),
            action=decision["action"] if decision["acted"] else _NOT_ACTED_ON,
            occurred_at_ms=at_ms,
        )
        for label in labels:
            record: LabelObserved = {
                "event_id": decision["event_id"],
                "key": decision["key"],
                "source": label.source,
                "value": label.fraudulent,
                "observed_at_ms": label.observed_at_ms,
                "revision": label.revision,
            }
            entry = (label.observed_at_ms, record["event_id"], label.revision, record)
            heappush(self._pending[partition], entry)
        self._clock_ms[partition] = max(at_ms, self._clock_ms[partition])
        return self._due(partition, self._clock_ms[partition])

    def rest(self) -> list[LabelObserved]:
        """Let event time run on until nothing is pending; return what becomes known, in order."""
        entries = sorted(entry for pending in self._pending.values() for entry in pending)
        self._pending.clear()
        return [record for *_, record in entries]

    def _due(self, partition: int, clock_ms: int) -> list[LabelObserved]:
        pending, due = self._pending[partition], []
        while pending and pending[0][0] <= clock_ms:
            due.append(heappop(pending)[-1])
        return due
