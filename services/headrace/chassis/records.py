"""What a handler gets and what it gives back."""

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from headrace.chassis.metrics import CountName
from headrace.chassis.tracing import Trace
from headrace.contracts.reasons import DeadLetterReason


class Received:
    """A decoded input record."""

    def __init__(
        self,
        partition: int,
        offset: int,
        key: str,
        value: bytes,
        record: dict[str, Any],
        timestamp_ms: int,
        trace: Trace | None = None,
    ) -> None:
        self.partition = partition
        self.offset = offset
        self.key = key
        self.value = value
        """The value's bytes as they were read."""
        self.record = record
        """The value decoded; empty where it is unread (see :class:`.topology.Input`)."""
        self.timestamp_ms = timestamp_ms
        """When it came to the broker (Kafka's timestamp of the record); negative where unknown."""
        self.trace = trace
        """The trace that it belongs to, if any."""


class Answer(NamedTuple):
    """The trace in which an output record goes on."""

    trace: Trace
    """That of the record which it answers."""
    said: Mapping[str, str | bool | int | float] = MappingProxyType({})
    """What the span says of it, where it is recorded; nothing personal."""


class Outgoing(NamedTuple):
    """Output records of one topic, encoded."""

    topic: str
    keys: Sequence[str | bytes | None]
    values: Sequence[bytes | None]
    """Of each record, in the order in which they are to stand; None of a key that is taken away."""
    answers: Mapping[int, Answer] = MappingProxyType({})
    """By index, of those that belong to a trace."""


class Rejected(NamedTuple):
    """An input record that must not be processed: it becomes a dead letter."""

    received: Received
    reason: DeadLetterReason
    detail: str


class Handled(NamedTuple):
    """What came of a batch."""

    outgoing: list[Outgoing]
    """Each topic's in the order in which they are to stand."""
    rejected: list[Rejected]
    counts: Counter[CountName]
    """What to count once the batch is committed."""
