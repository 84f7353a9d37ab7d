"""A dead letter as lines of text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from headrace.explaining import words
from headrace.explaining.letters import Letter


def described(
    topic: str,
    letter: Letter,
    event: Mapping[str, Any] | None,
    undecodable: Mapping[str, str] | None,
    replays: Sequence[Mapping[str, Any]],
) -> Iterator[str]:
    """Yield what is told of a dead letter.

    Parameters
    ----------
    topic
        Where it stands.
    event, undecodable
        The event that it holds, or why that is unreadable.
    replays
        Each ``ReplayRequested`` of it.
    """
    record = letter.record
    source = f"{record['source_topic']} {record['source_partition']}:{record['source_offset']}"
    yield f"Dead letter {letter.place} of {topic}"
    yield f"  reason     {record['reason']}: {words.DEAD_BECAUSE.get(record['reason'], '')}"
    yield f"  detail     {record['detail']}"
    yield f"  source     {source}"
    yield f"  arrived    {words.timestamp(record['source_timestamp_ms'])}"
    yield f"  given up   {words.timestamp(record['dead_lettered_at_ms'])} by {record['service']}"
    yield f"  whole      {'yes' if letter.is_whole else 'NO: it cannot be replayed'}"
    for each in replays:
        when = words.timestamp(each["requested_at_ms"])
        yield f"  replayed   {when} by {each['by']}: {each['reason']}"
        yield f"             to {each['source_partition']}:{each['replayed_offset']}"
    if event is not None:
        yield "Event"
        for name, value in event.items():
            yield f"  {name:<18} {'unknown' if value is None else value}"
    if undecodable is not None:
        yield f"Event: unreadable ({undecodable['detail']})"
    yield "Headers" if record["headers"] else "No headers"
    for header in record["headers"]:
        yield f"  {header['name']}: {_hex(header['value'])}"
    yield from _bytes("Key", record["key"])
    yield from _bytes("Value", record["value"])


def _bytes(what: str, content: bytes | None) -> Iterator[str]:
    if content is None:
        yield f"{what}: none"
        return
    yield f"{what}: {len(content):,} bytes"
    digits = content.hex()
    yield from (f"  {digits[at : at + 64]}" for at in range(0, len(digits), 64))


def _hex(content: bytes | None) -> str:
    return "none" if content is None else content.hex()
