"""The events of a use case: the fields that the platform reads, and what it may rely on."""

from pydantic import Field
from pydantic.dataclasses import dataclass

from headrace.usecase.checks import Check
from headrace.usecase.declared import STRICT, DurationMs, Text


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Events:
    """What a charter declares of its events; ``id`` to ``currency`` name fields of the schema."""

    schema: Text
    """Name of the Avro schema, as ``card-fraud/Transaction``."""
    id: Text
    key: Text
    time: Text
    """Event time, milliseconds since the epoch in UTC."""
    amount: Text
    """Money at stake in minor units; the windows sum it."""
    currency: Text
    lateness_ms: DurationMs = Field(alias="lateness")
    """An event so far behind its key's latest finds its windows whole; a later one is flagged."""
    duplicate_span_ms: DurationMs = Field(alias="duplicate_span")
    """Within a key and less than this apart in event time, an id means one event."""
    future_skew_ms: DurationMs = Field(alias="future_skew")
    """How far ahead of the clock an event time may be."""
    checks: dict[str, Check]
    """By field, in the order in which they are made."""
