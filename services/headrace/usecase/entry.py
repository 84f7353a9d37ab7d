"""One entry of a key's history: as the body of a change, and as a record."""

from hashlib import sha256
from typing import Final, NamedTuple

from librt.strings import BytesWriter, read_i64_le, write_i64_le
from mypy_extensions import i64

ID_BYTES: Final = 16
PAYLOAD_BYTES: Final = 8
TOKEN_BYTES: Final = 8

# Where each part stands in the body of a change; the time comes first.
AMOUNT_AT: Final = 8
_OFFSET_AT: Final = 16
_SEEN_AT: Final = 24
ID_AT: Final = 32
ID_REST_AT: Final = 40
PAYLOAD_AT: Final = 48
TOKENS_AT: Final = 56


class Entry(NamedTuple):
    """One event of a key; in this order, it is the body of a change."""

    time_ms: int
    amount: int
    """What the windows sum, exactly."""
    offset: int
    """Where the event stands in its partition."""
    seen_ms: int
    """The key's latest event time when the event arrived, its own included."""
    event_id: bytes
    """Digest of the id, ``ID_BYTES`` long."""
    payload: bytes
    """The first ``PAYLOAD_BYTES`` of the SHA-256 of the event's bytes."""
    tokens: bytes = b""
    """``TOKEN_BYTES`` for each field whose distinct values are counted."""


class Layout(NamedTuple):
    """What a history keeps of each event beside its time and the running total.

    Only ``fields`` is on the changelog: the rest is computed from the entries' amounts.
    """

    fields: tuple[str, ...] = ()
    """Fields whose distinct values are counted, in the order of their tokens."""
    squares: bool = False
    """Running totals of the squared amounts, for the standard deviation."""

    @property
    def version(self) -> int:
        """The format of the changelog: 1 without ``fields``, else a number of these alone."""
        if not self.fields:
            return 1
        named = "\0".join(self.fields).encode()
        return int.from_bytes(sha256(named).digest()[:4]) >> 2 | 1 << 30

    @property
    def body_bytes(self) -> int:
        """Length of a change's body."""
        return TOKENS_AT + TOKEN_BYTES * len(self.fields)


NARROW: Final = Layout()


def packed(
    time_ms: i64,
    amount: i64,
    offset: i64,
    seen_ms: i64,
    event_id: bytes,
    payload: bytes,
    tokens: bytes,
) -> bytes:
    """Return an entry as the body of a change: 56 bytes, and 8 for each token."""
    out = BytesWriter()
    write_i64_le(out, time_ms)
    write_i64_le(out, amount)
    write_i64_le(out, offset)
    write_i64_le(out, seen_ms)
    out.write(event_id)
    out.write(payload)
    out.write(tokens)
    return out.getvalue()


def time_ms_of(body: bytes) -> i64:
    """Return when the entry of a change's body happened."""
    return read_i64_le(body, 0)


def offset_of(body: bytes) -> i64:
    """Return where it stands in its partition."""
    return read_i64_le(body, _OFFSET_AT)


def seen_ms_of(body: bytes) -> i64:
    """Return the key's latest event time when it arrived."""
    return read_i64_le(body, _SEEN_AT)
