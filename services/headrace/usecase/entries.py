"""The entries of a key's history as parallel columns.

What every window needs is kept for every event: its time, and running totals of the amounts. What
only some aggregates need is kept only where a :class:`Layout` asks for it, and costs nothing
elsewhere.
"""

import struct
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Final, NamedTuple

import numpy as np

ID_BYTES: Final = 16
TOKEN_BYTES: Final = 8
REST: Final = struct.Struct("<qqI8s")
"""Offset, seen_ms, slot, payload."""
_PACK_REST = REST.pack
_TOKEN = struct.Struct(">Q")
_SEEN_AND_SLOT = struct.Struct("<qI")
_OFFSET_BYTES = 8


class Entry(NamedTuple):
    """One event of a key; packed in this order, it is the body of a change."""

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
    """The first 8 bytes of the SHA-256 of the event's bytes."""
    tokens: bytes = b""
    """``TOKEN_BYTES`` for each field whose distinct values are counted."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What a history keeps of each event beside its time and the running total.

    Only ``fields`` is on the changelog: the rest is computed from the entries' amounts.
    """

    fields: tuple[str, ...] = ()
    """Fields whose distinct values are counted, in the order of their tokens."""
    amounts: bool = False
    """Each amount by itself, for the largest."""
    squares: bool = False
    """Running totals of the squared amounts, for the standard deviation."""

    @cached_property
    def body(self) -> struct.Struct:
        """How an entry is packed: 56 bytes, and 8 for each of ``fields``."""
        return struct.Struct(f"<qqqq{ID_BYTES}s8s{TOKEN_BYTES * len(self.fields)}s")

    @cached_property
    def pack(self) -> Callable[..., bytes]:
        """Packs an entry."""
        return self.body.pack

    @property
    def version(self) -> int:
        """The format of the changelog: 1 without ``fields``, else a number of these alone."""
        if not self.fields:
            return 1
        named = "\0".join(self.fields).encode()
        return int.from_bytes(sha256(named).digest()[:4]) >> 2 | 1 << 30


NARROW: Final = Layout()


class Entries:
    """Entries by their place: columns that are appended to, or changed by their only owner."""

    __slots__ = ("amounts", "ids", "rest", "squares", "times_ms", "tokens", "totals")

    def __init__(self, layout: Layout) -> None:
        self.times_ms = array("q")
        self.totals = array("q", [0])
        """Entry i adds ``totals[i + 1] - totals[i]``."""
        self.ids = bytearray()  # apart from the rest, so that they can be searched
        self.rest = bytearray()
        self.amounts = array("q") if layout.amounts else None
        self.squares = [0] if layout.squares else None
        """As ``totals``, of the squares; they do not fit into 64 bits."""
        self.tokens = tuple(array("Q") for _ in layout.fields)
        """A column for each field, 0 where an event has no value."""

    def entry(self, i: int) -> Entry:
        """Return an entry as it was added."""
        offset, seen_ms, _, payload = REST.unpack_from(self.rest, i * REST.size)
        amount = self.totals[i + 1] - self.totals[i]
        event_id = bytes(self.ids[i * ID_BYTES : (i + 1) * ID_BYTES])
        tokens = b"".join(column[i].to_bytes(TOKEN_BYTES) for column in self.tokens)
        return Entry(self.times_ms[i], amount, offset, seen_ms, event_id, payload, tokens)

    def seen_and_slot(self, i: int) -> tuple[int, int]:
        """Return the key's latest event time when the entry arrived, and the slot it lives in."""
        found: tuple[int, int] = _SEEN_AND_SLOT.unpack_from(
            self.rest, i * REST.size + _OFFSET_BYTES
        )
        return found

    def is_after(self, i: int, time_ms: int, offset: int) -> bool:
        """Tell whether an entry comes after an event by time and offset."""
        at_ms = self.times_ms[i]
        if at_ms != time_ms:
            return at_ms > time_ms
        at_offset: int = REST.unpack_from(self.rest, i * REST.size)[0]
        return at_offset > offset

    def part(self, first: int, end: int) -> "Entries":
        """Return entries ``first`` to ``end`` in columns of their own."""
        part = Entries.__new__(Entries)
        part.times_ms = self.times_ms[first:end]
        part.totals = self.totals[first : end + 1]
        part.ids = self.ids[first * ID_BYTES : end * ID_BYTES]
        part.rest = self.rest[first * REST.size : end * REST.size]
        part.amounts = None if self.amounts is None else self.amounts[first:end]
        part.squares = None if self.squares is None else self.squares[first : end + 1]
        part.tokens = tuple(column[first:end] for column in self.tokens)
        np.frombuffer(part.totals, np.int64)[:] -= part.totals[0]  # they would grow for ever
        return part

    def append(self, slot: int, entry: tuple[int, int, int, int, bytes, bytes, bytes]) -> None:
        """Put an entry at the end; by its time, which comes first, others see that it was done."""
        time_ms, amount, offset, seen_ms, event_id, payload, tokens = entry
        totals = self.totals
        self.times_ms.append(time_ms)
        totals.append(totals[-1] + amount)
        self.ids += event_id
        self.rest += _PACK_REST(offset, seen_ms, slot, payload)
        if self.amounts is not None:
            self.amounts.append(amount)
        if self.squares is not None:
            self.squares.append(self.squares[-1] + amount * amount)
        if tokens:
            for column, (token,) in zip(self.tokens, _TOKEN.iter_unpack(tokens), strict=True):
                column.append(token)

    def insert(
        self, i: int, slot: int, entry: tuple[int, int, int, int, bytes, bytes, bytes]
    ) -> None:
        """Put an entry at a place; those from there on move up."""
        time_ms, amount, offset, seen_ms, event_id, payload, tokens = entry
        self.times_ms.insert(i, time_ms)
        np.frombuffer(self.totals, np.int64)[i + 1 :] += amount
        self.totals.insert(i + 1, self.totals[i] + amount)
        self.ids[i * ID_BYTES : i * ID_BYTES] = event_id
        rest = REST.pack(offset, seen_ms, slot, payload)
        self.rest[i * REST.size : i * REST.size] = rest
        if self.amounts is not None:
            self.amounts.insert(i, amount)
        if self.squares is not None:
            square = amount * amount
            self.squares[i + 1 :] = [
                self.squares[i] + square,
                *(each + square for each in self.squares[i + 1 :]),
            ]
        for column, (token,) in zip(self.tokens, _TOKEN.iter_unpack(tokens), strict=True):
            column.insert(i, token)

    def remove(self, i: int) -> None:
        """Take an entry out; those behind it move down."""
        amount = self.totals[i + 1] - self.totals[i]
        np.frombuffer(self.totals, np.int64)[i + 1 :] -= amount
        del self.totals[i], self.times_ms[i]
        del self.ids[i * ID_BYTES : (i + 1) * ID_BYTES]
        del self.rest[i * REST.size : (i + 1) * REST.size]
        if self.amounts is not None:
            del self.amounts[i]
        if self.squares is not None:
            square = amount * amount
            self.squares[i + 1 :] = [each - square for each in self.squares[i + 2 :]]
        for column in self.tokens:
            del column[i]
