"""A record that could not be processed, whole, and why."""

from headrace.chassis.batch import Dead, Fetched
from headrace.contracts.records import DeadLettered, Header

_DETAIL_LENGTH = 500


def dead_lettered(message: Fetched, dead: Dead, service: str, now_ms: int) -> DeadLettered:
    """Return the dead letter of a message."""
    return DeadLettered(
        reason=dead.reason,
        detail=dead.detail[:_DETAIL_LENGTH],
        service=service,
        source_topic=message.topic(),
        source_partition=dead.partition,
        source_offset=dead.offset,
        source_timestamp_ms=message.timestamp()[1],
        key=message.key(),
        value=message.value(),
        headers=[Header(name=name, value=value) for name, value in message.headers() or ()],
        dead_lettered_at_ms=now_ms,
    )
