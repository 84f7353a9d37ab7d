"""What a handler gets and what it gives back."""

from collections import Counter
from typing import Any, NamedTuple

from headrace.chassis.metrics import CountName
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


class Outgoing(NamedTuple):
    """An output record, encoded."""

    topic: str
    key: str
    value: bytes


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
