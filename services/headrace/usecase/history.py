"""A key's recent events: what windows are measured over, and the ids that were seen.

An entry is kept until the key's latest event time has moved a *retention* past what it was when
the entry arrived. What is kept is so a function of the entries alone, and the same after a
restore. With a retention of at least the longest window and the lateness together, an event no
later than the lateness finds its windows whole, and later events find it in theirs.

Every kept entry lives in a numbered slot, and a new one takes the lowest free slot. A changelog
compacted by slot is therefore never larger than the longest history that its key ever had.
"""

from bisect import bisect_right
from collections.abc import Iterator
from hashlib import sha256

from headrace.usecase.entries import ID_BYTES, NARROW, Entries, Entry, Layout

PAYLOAD_BYTES = 8
_NEVER_MS = -(2**63)
_SPARE = 32  # this many forgotten entries may stay in the columns, or as many as are kept


def id_digest(event_id: str) -> bytes:
    """Return the ``ID_BYTES`` by which a history knows an event id."""
    return sha256(event_id.encode()).digest()[:ID_BYTES]


class KeyHistory:  # noqa: PLW1641 -- mutable: it has no hash
    """The entries of one key by event time, ties by offset.

    Every batch copies the histories that it touches, so a copy shares the columns. Appending
    behind ``end`` disturbs nobody who shares them; whoever finds that another has already
    appended there, or must change something before ``end``, first makes columns of its own.

    Parameters
    ----------
    retention_ms
        How long entries are kept, in event time.
    layout
        What is kept of each event beside the entry itself.
    """

    __slots__ = (
        "_latest_ms",
        "_layout",
        "_retention_ms",
        "_shared",
        "_slots",
        "end",
        "entries",
        "first",
    )

    def __init__(self, retention_ms: int, layout: Layout = NARROW) -> None:
        self._retention_ms = retention_ms
        self._layout = layout
        self._latest_ms = _NEVER_MS
        self._slots = 0  # bit n: slot n is taken
        self._shared = False
        self.entries = Entries(layout)
        self.first = 0
        """Entries before it are forgotten."""
        self.end = 0
        """Entries from it on are another's."""

    def copy(self) -> "KeyHistory":
        """Return a history of its own with the same entries."""
        copy = KeyHistory.__new__(KeyHistory)
        copy._retention_ms = self._retention_ms
        copy._layout = self._layout
        copy._latest_ms = self._latest_ms
        copy._slots = self._slots
        copy._shared = self._shared = True
        copy.entries = self.entries
        copy.first = self.first
        copy.end = self.end
        return copy

    def __len__(self) -> int:
        return self.end - self.first

    def __iter__(self) -> Iterator[tuple[int, Entry]]:
        """Iterate over (slot, entry) in the order of event time."""
        for i in range(self.first, self.end):
            yield self.entries.seen_and_slot(i)[1], self.entries.entry(i)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, KeyHistory):
            return NotImplemented
        return self._retention_ms == other._retention_ms and list(self) == list(other)

    @property
    def latest_ms(self) -> int | None:
        """The latest event time so far; None before the first event."""
        return None if self._latest_ms == _NEVER_MS else self._latest_ms

    def is_behind(self, time_ms: int, by_ms: int) -> bool:
        """Tell whether a time is more than ``by_ms`` before the latest event time."""
        return time_ms < self._latest_ms - by_ms

    def find(self, event_id: bytes, time_ms: int, span_ms: int) -> Entry | None:
        """Return the entry with this id less than ``span_ms`` from ``time_ms``, or None."""
        entries, end = self.entries, self.end * ID_BYTES
        at = entries.ids.find(event_id, self.first * ID_BYTES, end)
        while at >= 0:
            i, astray = divmod(at, ID_BYTES)
            if not astray and abs(entries.times_ms[i] - time_ms) < span_ms:
                return entries.entry(i)
            at = entries.ids.find(event_id, at + 1, end)
        return None

    def add(
        self,
        time_ms: int,
        amount: int,
        offset: int,
        event_id: bytes,
        payload: bytes,
        tokens: bytes = b"",
    ) -> tuple[int, int, bytes]:
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
        slots = self._slots
        slot = (~slots & (slots + 1)).bit_length() - 1  # the lowest free
        entry = (time_ms, amount, offset, self._latest_ms, event_id, payload, tokens)
        body = self._layout.pack(*entry)
        if is_latest:
            self._slots = slots | 1 << slot
            return self._append(slot, entry), slot, body
        return self._insert(slot, entry), slot, body

    def restore(self, slot: int, body: bytes) -> None:
        """Take in a recorded change; any order gives the history that recorded them.

        Raises
        ------
        struct.error
            The body has not the length of an entry.
        """
        entry = Entry._make(self._layout.body.unpack(body))
        if entry.seen_ms > self._latest_ms:
            self._advance(entry.seen_ms)
        forgotten = entry.seen_ms <= self._latest_ms - self._retention_ms
        # A slot is taken again only by an entry that makes the one before forgotten, so here it
        # is free, unless this very change was applied before.
        if not forgotten and not self._slots >> slot & 1:
            self._insert(slot, entry)

    def _advance(self, latest_ms: int) -> None:
        """Move the latest event time, and forget what was seen a retention before it."""
        self._latest_ms = latest_ms
        due_ms = latest_ms - self._retention_ms
        if self.first < self.end and self.entries.times_ms[self.first] <= due_ms:
            self._forget(due_ms)

    def _forget(self, due_ms: int) -> None:
        """Forget what was seen by then.

        Nothing is seen before its own time, so what happened after that stays.
        """
        i = self.first
        while i < self.end and self.entries.times_ms[i] <= due_ms:
            seen_ms, slot = self.entries.seen_and_slot(i)
            if seen_ms > due_ms:
                i += 1  # it came late: its id must be known as long as any other
                continue
            self._slots &= ~(1 << slot)
            if i == self.first:
                i = self.first = i + 1
                continue
            i -= self._make_own()
            self.entries.remove(i)
            self.end -= 1

    def _append(self, slot: int, entry: tuple[int, int, int, int, bytes, bytes, bytes]) -> int:
        """Put an entry behind all others, and return its index."""
        first, end = self.first, self.end
        if len(self.entries.times_ms) != end or (first > _SPARE and first > end - first):
            self._make_own(always=True)
            end = self.end
        self.entries.append(slot, entry)
        self.end = end + 1
        return end

    def _insert(self, slot: int, entry: tuple[int, int, int, int, bytes, bytes, bytes]) -> int:
        """Put an entry at its place by time and offset, and return its index."""
        time_ms, offset = entry[0], entry[2]
        entries, first, end = self.entries, self.first, self.end
        self._slots |= 1 << slot
        if (
            first == end
            or time_ms > entries.times_ms[end - 1]
            or not entries.is_after(end - 1, time_ms, offset)
        ):
            return self._append(slot, entry)
        i = bisect_right(entries.times_ms, time_ms, first, end)
        while i > first and entries.is_after(i - 1, time_ms, offset):
            i -= 1
        i -= self._make_own()
        self.entries.insert(i, slot, entry)
        self.end += 1
        return i

    def _make_own(self, *, always: bool = False) -> int:
        """See to it that nobody shares the columns, and return by how much indices went down."""
        if not (self._shared or always):
            return 0
        down = self.first
        self.entries = self.entries.part(down, self.end)
        self.first, self.end = 0, self.end - down
        self._shared = False
        return down


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
