"""The events of a use case: the fields that the platform reads, and what it may rely on."""

from pydantic import Field
from pydantic.dataclasses import dataclass

from headrace.usecase.checks import Check
from headrace.usecase.declared import STRICT, DurationMs, Text


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Events:
    """What a charter declares of its events; ``id`` to ``currency`` name fields of the schema."""

    schema: Text = Field(examples=["shop/OrderPlaced"])
    """Name of the Avro schema, as ``card-fraud/Transaction``."""
    id: Text = Field(examples=["event_id"])
    """Unique for ever; a repeated one is the same event sent again."""
    key: Text = Field(examples=["customer_id"])
    """The entity decided about; also the record's key."""
    time: Text = Field(examples=["occurred_at_ms"])
    """Event time, milliseconds since the epoch in UTC."""
    amount: Text = Field(examples=["amount_minor"])
    """Money at stake in minor units; the windows sum it."""
    currency: Text = Field(examples=["currency"])
    """ISO 4217 code of the amount."""
    lateness_ms: DurationMs = Field(alias="lateness", examples=["1d"])
    """An event so far behind its key's latest finds its windows whole; a later one is flagged."""
    duplicate_span_ms: DurationMs = Field(alias="duplicate_span", examples=["7d"])
    """Within a key and less than this apart in event time, an id means one event."""
    future_skew_ms: DurationMs = Field(alias="future_skew", examples=["5m"])
    """How far ahead of the clock an event time may be."""
    checks: dict[str, Check] = Field(examples=[{"amount_minor": {"min": 0, "max": 100_000_000}}])
    """By field, in the order in which they are made."""
    personal: tuple[Text, ...] = ()
    """Fields whose values stand in no log, trace or metric, and in no message about a fault."""
