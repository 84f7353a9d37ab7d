"""A key's recent events: exact sliding windows, and the ids that were seen.

A window ends at an event and is (t - w, t] in event time: that event and all of its key that
happened less than ``w`` before it; of events at the same time, those that arrived before it.

An entry is kept until the key's latest event time has moved a *retention* past what it was when
the entry arrived. What is kept is so a function of the entries alone, and the same after a
restore. With a retention of at least the longest window and the lateness together, an event no
later than the lateness finds its windows whole, and later events find it in theirs.

Every kept entry lives in a numbered slot, and a new one takes the lowest free slot. A changelog
compacted by slot is therefore never larger than the longest history that its key ever had.
"""

import struct
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple

import numpy as np

ID_BYTES = 16
PAYLOAD_BYTES = 8
_BODY = struct.Struct(f"<qqqq{ID_BYTES}s{PAYLOAD_BYTES}s")
_REST = struct.Struct(f"<qqI{PAYLOAD_BYTES}s")


def id_digest(event_id: str) -> bytes:
    """Return the ``ID_BYTES`` by which a history knows an event id."""
    return sha256(event_id.encode()).digest()[:ID_BYTES]


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
    """Digest of the id, see :func:`id_digest`."""
    payload: bytes
    """The first ``PAYLOAD_BYTES`` of the SHA-256 of the event's bytes."""


class KeyHistory:  # noqa: PLW1641 -- mutable: it has no hash
    """The entries of one key by event time, ties by offset.

    Parallel arrays, because every batch copies the histories that it touches. Entries before
    ``_first`` are forgotten; a copy leaves them behind.

    Parameters
    ----------
    retention_ms
        How long entries are kept, in event time.
    """

    __slots__ = (
        "_first",
        "_ids",
        "_latest_ms",
        "_rest",
        "_retention_ms",
        "_slots",
        "_times_ms",
        "_totals",
    )

    def __init__(self, retention_ms: int) -> None:
        self._retention_ms = retention_ms
        self._latest_ms: int | None = None
        self._first = 0
        self._slots = 0  # bit n: slot n is taken
        self._times_ms = array("q")
        self._totals = array("q", [0])  # entry i adds totals[i + 1] - totals[i]
        self._ids = bytearray()  # apart from the rest, so that they can be searched
        self._rest = bytearray()

    def copy(self) -> "KeyHistory":
        """Return a history of its own with the same entries."""
        first = self._first
        copy = KeyHistory.__new__(KeyHistory)
        copy._retention_ms = self._retention_ms
        copy._latest_ms = self._latest_ms
        copy._first = 0
        copy._slots = self._slots
        copy._times_ms = self._times_ms[first:]
        copy._totals = self._totals[first:]
        copy._ids = self._ids[first * ID_BYTES :]
        copy._rest = self._rest[first * _REST.size :]
        return copy

    def __len__(self) -> int:
        return len(self._times_ms) - self._first

    def __iter__(self) -> Iterator[tuple[int, Entry]]:
        """Iterate over (slot, entry) in the order of event time."""
        for i in range(self._first, len(self._times_ms)):
            _, _, slot, _ = self._rest_of(i)
            yield slot, self._entry(i)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, KeyHistory):
            return NotImplemented
        return self._retention_ms == other._retention_ms and list(self) == list(other)

    @property
    def latest_ms(self) -> int | None:
        """The latest event time so far; None before the first event."""
        return self._latest_ms

    def find(self, event_id: bytes, time_ms: int, span_ms: int) -> Entry | None:
        """Return the entry with this id less than ``span_ms`` from ``time_ms``, or None."""
        at = self._ids.find(event_id, self._first * ID_BYTES)
        while at >= 0:
            i, astray = divmod(at, ID_BYTES)
            if not astray and abs(self._times_ms[i] - time_ms) < span_ms:
                return self._entry(i)
            at = self._ids.find(event_id, at + 1)
        return None

    def add(
        self, time_ms: int, amount: int, offset: int, event_id: bytes, payload: bytes
    ) -> tuple[int, int, bytes]:
        """Take in an event that has just arrived, and forget what is due.

        Returns
        -------
        The entry's index, which holds until the next ``add``; its slot, and the body of the change
        to record.
        """
        seen_ms = self._advance(time_ms)
        slot = (~self._slots & (self._slots + 1)).bit_length() - 1  # the lowest free
        index = self._insert(slot, time_ms, amount, offset, seen_ms, event_id, payload)
        return index, slot, _BODY.pack(time_ms, amount, offset, seen_ms, event_id, payload)

    def restore(self, slot: int, body: bytes) -> None:
        """Take in a recorded change; any order gives the history that recorded them.

        Raises
        ------
        struct.error
            The body has not the length of an entry.
        """
        entry = Entry._make(_BODY.unpack(body))
        latest_ms = self._advance(entry.seen_ms)
        forgotten = entry.seen_ms <= latest_ms - self._retention_ms
        # A slot is taken again only by an entry that makes the one before forgotten, so here it
        # is free, unless this very change was applied before.
        if not forgotten and not self._slots >> slot & 1:
            self._insert(slot, *entry)

    def windows(self, index: int, spans_ms: Sequence[int]) -> list[int]:
        """Count and sum in the windows that end at an entry.

        Returns
        -------
        Count and sum of amounts for each of ``spans_ms``, flat: count, sum, count, sum, ...
        """
        times_ms, totals, first = self._times_ms, self._totals, self._first
        time_ms, end = times_ms[index], index + 1
        total = totals[end]
        measured: list[int] = []
        for span_ms in spans_ms:
            start = bisect_right(times_ms, time_ms - span_ms, first, end)
            measured += (end - start, total - totals[start])
        return measured

    def _advance(self, time_ms: int) -> int:
        """Move the latest event time up to ``time_ms`` where it is behind, and return it."""
        latest_ms = self._latest_ms
        if latest_ms is not None and time_ms <= latest_ms:
            return latest_ms
        self._latest_ms = time_ms
        self._forget(time_ms - self._retention_ms)
        return time_ms

    def _insert(
        self,
        slot: int,
        time_ms: int,
        amount: int,
        offset: int,
        seen_ms: int,
        event_id: bytes,
        payload: bytes,
    ) -> int:
        """Put an entry at its place by time and offset, and return its index."""
        times_ms, totals = self._times_ms, self._totals
        i = bisect_right(times_ms, time_ms, self._first)
        while i > self._first and times_ms[i - 1] == time_ms and self._rest_of(i - 1)[0] > offset:
            i -= 1
        rest = _REST.pack(offset, seen_ms, slot, payload)
        if i == len(times_ms):
            self._ids += event_id
            self._rest += rest
        else:
            self._ids[i * ID_BYTES : i * ID_BYTES] = event_id
            self._rest[i * _REST.size : i * _REST.size] = rest
            np.frombuffer(totals, np.int64)[i + 1 :] += amount
        times_ms.insert(i, time_ms)
        totals.insert(i + 1, totals[i] + amount)
        self._slots |= 1 << slot
        return i

    def _forget(self, due_ms: int) -> None:
        """Forget what was seen up to ``due_ms``; nothing is seen before its own time."""
        times_ms = self._times_ms
        i = self._first
        while i < len(times_ms) and times_ms[i] <= due_ms:
            _, seen_ms, slot, _ = self._rest_of(i)
            if seen_ms > due_ms:  # it came late: its id must be known as long as any other
                i += 1
                continue
            self._slots &= ~(1 << slot)
            if i == self._first:
                i = self._first = i + 1
            else:
                self._remove(i)

    def _remove(self, i: int) -> None:
        amount = self._totals[i + 1] - self._totals[i]
        np.frombuffer(self._totals, np.int64)[i + 1 :] -= amount
        del self._totals[i], self._times_ms[i]
        del self._ids[i * ID_BYTES : (i + 1) * ID_BYTES]
        del self._rest[i * _REST.size : (i + 1) * _REST.size]

    def _rest_of(self, i: int) -> tuple[int, int, int, bytes]:
        """Return (offset, seen_ms, slot, payload)."""
        return _REST.unpack_from(self._rest, i * _REST.size)

    def _entry(self, i: int) -> Entry:
        offset, seen_ms, _, payload = self._rest_of(i)
        amount = self._totals[i + 1] - self._totals[i]
        event_id = bytes(self._ids[i * ID_BYTES : (i + 1) * ID_BYTES])
        return Entry(self._times_ms[i], amount, offset, seen_ms, event_id, payload)


class HistoryFormat:
    """How histories are made, copied and restored (a ``Format`` of the chassis).

    Parameters
    ----------
    retention_ms
        How long their entries are kept, in event time.
    """

    version = 1

    def __init__(self, retention_ms: int) -> None:
        self._retention_ms = retention_ms

    def empty(self) -> KeyHistory:
        """Return the history of a key never seen."""
        return KeyHistory(self._retention_ms)

    def copy(self, value: KeyHistory) -> KeyHistory:
        """Return a copy that shares nothing mutable."""
        return value.copy()

    def apply(self, value: KeyHistory, slot: int, body: bytes) -> None:
        """Restore one change."""
        value.restore(slot, body)
