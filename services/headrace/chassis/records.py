"""What a handler gets and what it gives back."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from headrace.chassis.metrics import CountName
from headrace.chassis.tracing import Trace
from headrace.contracts.reasons import DeadLetterReason


class Received(NamedTuple):
    """A decoded input record."""

    partition: int
    offset: int
    key: str
    value: bytes
    """The value's bytes as they were read."""
    record: dict[str, Any]
    """The value decoded."""
    timestamp_ms: int
    """When it came to the broker (Kafka's timestamp of the record); negative where unknown."""
    trace: Trace | None = None
    """The trace that it belongs to, if any."""


class Outgoing(NamedTuple):
    """An output record, encoded."""

    topic: str
    key: str | bytes | None
    value: bytes
    trace: Trace | None = None
    """That of the record which it answers: it goes on in the output's headers."""
    said: Mapping[str, str | bool | int | float] | None = None
    """What the span says of it, for a trace that is recorded; nothing personal."""


class Rejected(NamedTuple):
    """An input record that must not be processed: it becomes a dead letter."""

    received: Received
    reason: DeadLetterReason
    detail: str


class Handled(NamedTuple):
    """What came of a batch; the outgoing records in the order in which they are to stand."""

    outgoing: list[Outgoing]
    rejected: list[Rejected]
    counts: Counter[CountName]
    """What to count once the batch is committed."""
