"""Counting what stands in the topics at the end."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from headrace.chassis.clients import Clients
from headrace.chassis.reading import read_to_end
from headrace.demo.outcomes import Outcomes
from headrace.usecase.values import Values

_TIMEOUT_S = 60.0
Decode = Callable[[bytes | None], dict[str, Any]]


@dataclass
class Tally:
    """What came of the published events."""

    outcomes: Outcomes = field(default_factory=Outcomes)
    duplicates: int = 0
    dead_letters: Counter[str] = field(default_factory=Counter)
    decision_bytes: int = 0
    audit_bytes: int = 0
    batches: Counter[int] = field(default_factory=Counter)
    """Decisions by the millisecond at which their batch was decided."""

    @property
    def decided(self) -> int:
        """Number of decisions."""
        return self.outcomes.decided

    @property
    def fates(self) -> int:
        """Number of events that came to something."""
        return self.decided + self.duplicates + self.dead_letters.total()

    @property
    def decisions_per_s(self) -> float:
        """Decisions a second, from the first batch to the last: the last one's own are left out."""
        if len(self.batches) < 2:
            return 0.0
        first, last = min(self.batches), max(self.batches)
        return (self.decided - self.batches[last]) / (last - first) * 1_000


class Reader:
    """Reads whole topics of one use case."""

    def __init__(self, clients: Clients, use_case: str, decoders: dict[str, Decode]) -> None:
        self._clients = clients
        self._use_case = use_case
        self._decoders = decoders

    def tally(self, partitions: int, values: Values | None) -> Tally:
        """Count decisions, duplicates and dead letters."""
        tally = Tally(Outcomes(values))
        for records in self._records("decisions", partitions):
            decisions = [decision for _, decision in records]
            tally.outcomes.add(decisions)
            tally.decision_bytes += sum(size for size, _ in records)
            tally.batches.update(decision["decided_at_ms"] for decision in decisions)
        for records in self._records("audits", partitions):
            tally.duplicates += sum(audit["kind"] == "duplicate" for _, audit in records)
            tally.audit_bytes += sum(size for size, _ in records)
        for records in self._records("events.dlq", partitions):
            tally.dead_letters.update(letter["reason"] for _, letter in records)
        return tally

    def decisions(self, partitions: int) -> list[dict[str, Any]]:
        """Return every decision."""
        return [each for batch in self._records("decisions", partitions) for _, each in batch]

    def _records(self, name: str, partitions: int) -> Iterator[list[tuple[int, dict[str, Any]]]]:
        topic = f"{self._use_case}.{name}"
        decode = self._decoders[name]
        for messages in read_to_end(self._clients, topic, range(partitions), _TIMEOUT_S):
            values = [message.value() or b"" for message in messages]
            yield [(len(value), decode(value)) for value in values]
