"""A key's recent events: what windows are measured over, and the ids that were seen.

An entry is kept until the key's latest event time has moved a *retention* past what it was when
the entry arrived. What is kept is so a function of the entries alone, and the same after a
restore. With a retention of at least the longest window and the lateness together, an event no
later than the lateness finds its windows whole, and later events find it in theirs.

Every kept entry lives in a numbered slot, and a new one takes the lowest free slot. A changelog
compacted by slot is therefore never larger than the longest history that its key ever had.
"""

from collections.abc import Iterator
from hashlib import sha256
from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64

from headrace.usecase.entries import Entries, earlier
from headrace.usecase.entry import (
    ID_BYTES,
    NARROW,
    Entry,
    Layout,
    offset_of,
    packed,
    seen_ms_of,
    time_ms_of,
)

_NEVER_MS: Final = -(2**63)
_SPARE: Final = 32  # this many forgotten entries may stay in the rows, or as many as are kept
_SLOTS_A_WORD: Final = 30  # mypyc writes 1 << n with a C int
_ALL_TAKEN: Final = 2**_SLOTS_A_WORD - 1


def id_digest(event_id: str) -> bytes:
    """Return the ``ID_BYTES`` by which a history knows an event id."""
    return sha256(event_id.encode()).digest()[:ID_BYTES]


class KeyHistory:  # noqa: PLW1641 -- mutable: it has no hash
    """The entries of one key by event time, ties by offset.

    Every batch copies the histories that it touches, so a copy shares the entries. Appending
    behind ``end`` disturbs nobody who shares them; whoever finds that another has already
    appended there, or must change something before ``end``, first makes entries of its own.

    Parameters
    ----------
    retention_ms
        How long entries are kept, in event time.
    layout
        What is kept of each event beside the entry itself.
    """

    def __init__(
        self, retention_ms: i64, layout: Layout = NARROW, entries: Entries | None = None
    ) -> None:
        self._retention_ms = retention_ms
        self._layout = layout
        self._latest_ms: i64 = _NEVER_MS
        self._slots = vec[i64]()  # a bit for each, the lowest first: set where it is taken
        self._is_shared = entries is not None
        self.entries = Entries(layout) if entries is None else entries
        self.first: i64 = 0
        """Entries before it are forgotten."""
        self.end: i64 = 0
        """Entries from it on are another's."""

    def copy(self) -> "KeyHistory":
        """Return a history of its own with the same entries."""
        copy = KeyHistory(self._retention_ms, self._layout, self.entries)
        copy._latest_ms = self._latest_ms
        copy._slots = self._slots[:]
        copy.first = self.first
        copy.end = self.end
        self._is_shared = True
        return copy

    def __len__(self) -> int:
        return self.end - self.first

    def __iter__(self) -> Iterator[tuple[int, Entry]]:
        """Iterate over (slot, entry) in the order of event time."""
        for i in range(self.first, self.end):
            yield self.entries.slot(i), self.entries.entry(i)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, KeyHistory):
            return NotImplemented
        return self._retention_ms == other._retention_ms and list(self) == list(other)

    @property
    def latest_ms(self) -> int | None:
        """The latest event time so far; None before the first event."""
        return None if self._latest_ms == _NEVER_MS else self._latest_ms

    def is_behind(self, time_ms: i64, by_ms: i64) -> bool:
        """Tell whether a time is more than ``by_ms`` before the latest event time."""
        return time_ms < earlier(self._latest_ms, by_ms)

    def find(self, event_id: bytes, time_ms: i64, span_ms: i64) -> Entry | None:
        """Return the entry with this id less than ``span_ms`` from ``time_ms``, or None."""
        i = self.entries.find(event_id, time_ms, span_ms, self.first, self.end)
        return None if i < 0 else self.entries.entry(i)

    def add(
        self,
        time_ms: i64,
        amount: i64,
        offset: i64,
        event_id: bytes,
        payload: bytes,
        tokens: bytes = b"",
    ) -> tuple[i64, i64, bytes]:
        """Take in an event that has just arrived, and forget what is due.

        Parameters
        ----------
        tokens
            ``TOKEN_BYTES`` for each field of which the layout keeps one.

        Returns
        -------
        The entry's index, which holds until the next ``add``; its slot, and the body of the change
        to record.
        """
        is_latest = time_ms > self._latest_ms
        if is_latest:
            self._advance(time_ms)
        slot = self._lowest_free()
        body = packed(time_ms, amount, offset, self._latest_ms, event_id, payload, tokens)
        index = self._append(slot, body) if is_latest else self._insert(slot, body)
        return index, slot, body

    def restore(self, slot: i64, body: bytes) -> None:
        """Take in a recorded change; any order gives the history that recorded them.

        Raises
        ------
        ValueError
            The body has not the length of an entry.
        """
        if len(body) != self._layout.body_bytes:
            raise ValueError(f"an entry of {len(body)} bytes, not {self._layout.body_bytes}")
        seen_ms = seen_ms_of(body)
        if seen_ms > self._latest_ms:
            self._advance(seen_ms)
        is_forgotten = seen_ms <= earlier(self._latest_ms, self._retention_ms)
        # A slot is taken again only by an entry that makes the one before forgotten, so here it
        # is free, unless this very change was applied before.
        if not is_forgotten and not self._is_taken(slot):
            self._insert(slot, body)

    def _advance(self, latest_ms: i64) -> None:
        """Move the latest event time, and forget what was seen a retention before it."""
        self._latest_ms = latest_ms
        due_ms = earlier(latest_ms, self._retention_ms)
        if self.first < self.end and self.entries.time_ms(self.first) <= due_ms:
            self._forget(due_ms)

    def _forget(self, due_ms: i64) -> None:
        """Forget what was seen by then.

        Nothing is seen before its own time, so what happened after that stays.
        """
        i = self.first
        while i < self.end and self.entries.time_ms(i) <= due_ms:
            if self.entries.seen_ms(i) > due_ms:
                i += 1  # it came late: its id must be known as long as any other
                continue
            self._free(self.entries.slot(i))
            if i == self.first:
                i += 1
                self.first = i
                continue
            i -= self._make_own()
            self.entries.remove(i)
            self.end -= 1

    def _append(self, slot: i64, body: bytes) -> i64:
        """Put an entry behind all others, and return its index."""
        first, end = self.first, self.end
        if self.entries.count != end or (first > _SPARE and first > end - first):
            self._make_own(always=True)
            end = self.end
        self._take(slot)
        self.entries.append(slot, body)
        self.end = end + 1
        return end

    def _insert(self, slot: i64, body: bytes) -> i64:
        """Put an entry at its place by time and offset, and return its index."""
        time_ms, offset = time_ms_of(body), offset_of(body)
        i = self.entries.start_of(time_ms, self.first, self.end)
        while i > self.first and self.entries.is_after(i - 1, time_ms, offset):
            i -= 1
        if i == self.end:
            return self._append(slot, body)
        i -= self._make_own()
        self._take(slot)
        self.entries.insert(i, slot, body)
        self.end += 1
        return i

    def _make_own(self, *, always: bool = False) -> i64:
        """See to it that nobody shares the entries, and return by how much indices went down."""
        if not (self._is_shared or always):
            return 0
        down = self.first
        self.entries = self.entries.part(down, self.end)
        self.first, self.end = 0, self.end - down
        self._is_shared = False
        return down

    def _lowest_free(self) -> i64:
        words, number = self._slots, i64(0)
        while number < len(words) and words[number] == _ALL_TAKEN:
            number += 1
        bit: i64 = 0
        while number < len(words) and words[number] >> bit & 1:
            bit += 1
        return number * _SLOTS_A_WORD + bit

    def _is_taken(self, slot: i64) -> bool:
        word = slot // _SLOTS_A_WORD
        return word < len(self._slots) and bool(self._slots[word] >> slot % _SLOTS_A_WORD & 1)

    def _take(self, slot: i64) -> None:
        word = slot // _SLOTS_A_WORD
        while word >= len(self._slots):
            self._slots = append(self._slots, 0)
        words = self._slots
        words[word] |= i64(1) << slot % _SLOTS_A_WORD

    def _free(self, slot: i64) -> None:
        words = self._slots
        words[slot // _SLOTS_A_WORD] &= ~(i64(1) << slot % _SLOTS_A_WORD)


class HistoryFormat:
    """How histories are made, copied and restored (a ``Format`` of the chassis).

    Parameters
    ----------
    retention_ms
        How long their entries are kept, in event time.
    layout
        What is kept of each event.
    """

    def __init__(self, retention_ms: int, layout: Layout = NARROW) -> None:
        self._retention_ms = retention_ms
        self._layout = layout
        self.version = layout.version

    def empty(self) -> KeyHistory:
        """Return the history of a key never seen."""
        return KeyHistory(self._retention_ms, self._layout)

    def copy(self, value: KeyHistory) -> KeyHistory:
        """Return a copy that changes nothing in ``value``, nor is changed with it."""
        return value.copy()

    def apply(self, value: KeyHistory, slot: int, body: bytes) -> None:
        """Restore one change."""
        value.restore(slot, body)
