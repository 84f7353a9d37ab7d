"""The events of one partition, in columns: some 250 bytes an event, whatever its size."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

READABLE = 1
DECIDED = 2
DUPLICATE = 4
DEAD = 8
AUDITED = 16
MISKEYED = 32
"""The record's key is not the event's key field: nobody may decide it."""
FATES = DECIDED | DUPLICATE | DEAD
_HAS_AMOUNT = 64
_DIGEST_BYTES = 32
_NO_DIGEST = bytes(_DIGEST_BYTES)


class Facts(NamedTuple):
    """What of an event is compared with its decision."""

    event_id: str
    key: bytes | None
    occurred_at_ms: int
    amount_minor: int | None
    currency: str | None


class Versions(NamedTuple):
    """By what an event was decided: a decision and its audit record say the same."""

    charter_digest: bytes
    model_digest: bytes
    policy_version: str


UNREADABLE = Facts("", None, 0, None, None)


def digest(value: bytes | None) -> bytes:
    """Return a value's SHA-256, and 32 zero bytes for no value."""
    return _NO_DIGEST if value is None else sha256(value).digest()


class Events:
    """Rows in the order of their offsets; gaps (markers, aborted records) are fine."""

    def __init__(self) -> None:
        self.flags = bytearray()
        self._offsets = array("q")
        self._ids: list[str] = []
        self._keys: list[bytes | None] = []
        self._times = array("q")
        self._amounts = array("q")
        self._currencies: list[str | None] = []
        self._digests = bytearray()
        self._decisions = bytearray()
        self._versions: list[Versions | None] = []
        # These repeat: one object for all that are equal.
        self._one_key: dict[bytes | None, bytes | None] = {}
        self._one_currency: dict[str | None, str | None] = {}
        self._one_versions: dict[Versions, Versions] = {}

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self._offsets)

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        """Iterate over (row, offset, flags)."""
        return zip(range(len(self)), self._offsets, self.flags, strict=True)

    def append(self, offset: int, value: bytes | None, facts: Facts, flags: int) -> None:
        """Add the next event; ``facts.key`` is the record's own key."""
        has_amount = facts.amount_minor is not None
        self._offsets.append(offset)
        self.flags.append(flags | _HAS_AMOUNT * has_amount)
        self._ids.append(facts.event_id)
        self._keys.append(self._one_key.setdefault(facts.key, facts.key))
        self._times.append(facts.occurred_at_ms)
        self._amounts.append(facts.amount_minor or 0)
        self._currencies.append(self._one_currency.setdefault(facts.currency, facts.currency))
        self._digests += digest(value)
        self._decisions += _NO_DIGEST
        self._versions.append(None)

    def row(self, offset: int) -> int | None:
        """Return the row of an offset, None where there is no event."""
        row = bisect_left(self._offsets, offset)
        found = row < len(self._offsets) and self._offsets[row] == offset
        return row if found else None

    def facts(self, row: int) -> Facts:
        """Return what is compared with the event's decision."""
        has_amount = self.flags[row] & _HAS_AMOUNT
        return Facts(
            self._ids[row],
            self._keys[row],
            self._times[row],
            self._amounts[row] if has_amount else None,
            self._currencies[row],
        )

    def offset(self, row: int) -> int:
        """Return the event's offset."""
        return self._offsets[row]

    def event_id(self, row: int) -> str:
        """Return the event's id, empty where it is unreadable."""
        return self._ids[row]

    def key(self, row: int) -> bytes | None:
        """Return the record's key."""
        return self._keys[row]

    def digest(self, row: int) -> bytes:
        """Return the digest of the event's bytes."""
        start = row * _DIGEST_BYTES
        return bytes(self._digests[start : start + _DIGEST_BYTES])

    def decision_digest(self, row: int) -> bytes:
        """Return the digest of the first decision's bytes."""
        start = row * _DIGEST_BYTES
        return bytes(self._decisions[start : start + _DIGEST_BYTES])

    def versions(self, row: int) -> Versions | None:
        """Return by what the first decision was made, None where there is none."""
        return self._versions[row]

    def decide(self, row: int, decision: bytes, versions: Versions) -> None:
        """Keep the digest of the decision's bytes, and by what it was made."""
        start = row * _DIGEST_BYTES
        self._decisions[start : start + _DIGEST_BYTES] = decision
        self._versions[row] = self._one_versions.setdefault(versions, versions)
