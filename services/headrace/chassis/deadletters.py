"""A record that could not be processed, whole where that is possible, and why."""

from hashlib import sha256
from typing import Final

from headrace.chassis.batch import Dead, Fetched, Headers
from headrace.contracts.records import DeadLettered, Header

MOST_BYTES: Final = 2_097_152
"""The size of a dead letter that ``schemas/topics.toml`` makes room for."""
_DETAIL_LENGTH: Final = 500
_ABOUT_BYTES: Final = 5_120  # all that is said about the record, and the trace that it is in
_KEY_BYTES: Final = 65_536
_VALUE_BYTES: Final = MOST_BYTES - 2 * _KEY_BYTES - _ABOUT_BYTES


def dead_lettered(
    message: Fetched, headers_read: Headers | None, dead: Dead, service: str, now_ms: int
) -> DeadLettered:
    """Return the dead letter of a message, whose headers were read before; None: unreadable.

    What is too large for a dead letter is cut, and the detail tells its size and SHA-256. A
    record may be so large: compressed on its way here, or by its key, which a dead letter holds
    twice.
    """
    key, value = message.key(), message.value()
    headers = [Header(name=name, value=value) for name, value in headers_read or ()]
    unreadable = ["its headers are left out: a name is not UTF-8"]
    remarks = unreadable if headers_read is None else []
    if _size(key, value, headers) > MOST_BYTES:
        remarks += [f"{len(headers)} headers are left out"] if headers else []
        headers = []
        key, value = (
            _cut("key", key, _KEY_BYTES, remarks),
            _cut("value", value, _VALUE_BYTES, remarks),
        )
    return DeadLettered(
        reason=dead.reason,
        detail="; ".join([dead.detail[:_DETAIL_LENGTH], *remarks]),
        service=service,
        source_topic=message.topic(),
        source_partition=dead.partition,
        source_offset=dead.offset,
        source_timestamp_ms=message.timestamp()[1],
        key=key,
        value=value,
        headers=headers,
        dead_lettered_at_ms=now_ms,
    )


def _size(key: bytes | None, value: bytes | None, headers: list[Header]) -> int:
    """Return a size that the dead letter's record does not pass."""
    named = sum(len(each["name"].encode()) + len(each["value"] or b"") + 20 for each in headers)
    return _ABOUT_BYTES + 2 * len(key or b"") + len(value or b"") + named


def _cut(what: str, content: bytes | None, most: int, remarks: list[str]) -> bytes | None:
    if content is None or len(content) <= most:
        return content
    digest = sha256(content).hexdigest()
    remarks.append(f"only {most} of the {what}'s {len(content)} bytes are here, SHA-256 {digest}")
    return content[:most]
