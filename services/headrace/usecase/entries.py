"""The entries of a key's history: a row of numbers each, one behind the other in one array.

What every window needs is kept for every event: its time, and the running total of the amounts.
What only some aggregates need is kept only where a :class:`Layout` asks for it, and costs nothing
elsewhere.
"""

from typing import Final

from librt.strings import BytesWriter, read_i64_be, read_i64_le, write_i64_be
from librt.vecs import append, extend, vec
from mypy_extensions import i64

from headrace.contracts.varint import LONG_MIN
from headrace.usecase.entry import (
    AMOUNT_AT,
    ID_AT,
    ID_BYTES,
    ID_REST_AT,
    PAYLOAD_AT,
    PAYLOAD_BYTES,
    TOKEN_BYTES,
    TOKENS_AT,
    Entry,
    Layout,
    offset_of,
    seen_ms_of,
    time_ms_of,
)

# Where each number stands in a row.
_TIME: Final = 0
_TOTAL: Final = 1
_OFFSET: Final = 2
_SEEN: Final = 3
_SLOT: Final = 4
_ID: Final = 5
_ID_REST: Final = 6
_PAYLOAD: Final = 7
_TOKENS: Final = 8


def earlier(time_ms: i64, by_ms: i64) -> i64:
    """Return an earlier time; the first of all where there is none so early."""
    before: i64 = time_ms - by_ms
    if before > time_ms:  # compiled, it has 64 bits
        return LONG_MIN
    return before


class Entries:
    """Entries by their place; they are appended to, or changed by their only owner."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._width: i64 = _TOKENS + len(layout.fields)
        self._rows = vec[i64]()
        self._squares: list[int] | None = [0] if layout.squares else None
        """Running totals of the squares, and 0 before them; they do not fit into 64 bits."""
        self.count: i64 = 0
        """How many there are."""

    def entry(self, i: i64) -> Entry:
        """Return an entry as it was added."""
        rows, at = self._rows, i * self._width
        out = BytesWriter()
        for number in range(_ID, self._width):
            write_i64_be(out, rows[at + number])
        rest = out.getvalue()
        return Entry(
            rows[at + _TIME],
            self.total(i + 1) - self.total(i),
            rows[at + _OFFSET],
            rows[at + _SEEN],
            rest[:ID_BYTES],
            rest[ID_BYTES : ID_BYTES + PAYLOAD_BYTES],
            rest[ID_BYTES + PAYLOAD_BYTES :],
        )

    def time_ms(self, i: i64) -> i64:
        """Return when an entry happened."""
        return self._rows[i * self._width + _TIME]

    def seen_ms(self, i: i64) -> i64:
        """Return the key's latest event time when an entry arrived."""
        return self._rows[i * self._width + _SEEN]

    def slot(self, i: i64) -> i64:
        """Return the slot that an entry lives in."""
        return self._rows[i * self._width + _SLOT]

    def token(self, i: i64, column: i64) -> i64:
        """Return an entry's token of one of the layout's fields; 0 where it has no value."""
        return self._rows[i * self._width + _TOKENS + column]

    def total(self, end: i64) -> i64:
        """Return the sum of the amounts of the entries before ``end``."""
        return self._rows[(end - 1) * self._width + _TOTAL] if end else 0

    def square_total(self, end: i64) -> int:
        """Return the same of the squared amounts, where the layout keeps them."""
        squares = self._squares
        assert squares is not None  # noqa: S101 -- the layout keeps what is measured
        return squares[end]

    def start_of(self, time_ms: i64, first: i64, end: i64) -> i64:
        """Return the first of the entries ``first`` to ``end`` after a time."""
        rows, width = self._rows, self._width
        while first < end:
            middle: i64 = (first + end) >> 1
            if rows[middle * width + _TIME] > time_ms:
                end = middle
            else:
                first = middle + 1
        return first

    def is_after(self, i: i64, time_ms: i64, offset: i64) -> bool:
        """Tell whether an entry comes after an event by time and offset."""
        at = i * self._width
        at_ms = self._rows[at + _TIME]
        if at_ms != time_ms:
            return at_ms > time_ms
        return self._rows[at + _OFFSET] > offset

    def find(self, event_id: bytes, time_ms: i64, span_ms: i64, first: i64, end: i64) -> i64:
        """Return the one of the entries ``first`` to ``end`` that has this id, or -1.

        Only those are looked at that are less than ``span_ms`` from ``time_ms``.
        """
        rows, width = self._rows, self._width
        wanted, rest = read_i64_be(event_id, 0), read_i64_be(event_id, ID_REST_AT - ID_AT)
        i = self.start_of(earlier(time_ms, span_ms), first, end)
        while i < end:
            at = i * width
            if earlier(rows[at + _TIME], span_ms) >= time_ms:
                break
            if rows[at + _ID] == wanted and rows[at + _ID_REST] == rest:
                return i
            i += 1
        return -1

    def part(self, first: i64, end: i64) -> "Entries":
        """Return entries ``first`` to ``end`` apart from these, which change with them no more."""
        part = Entries(self._layout)
        part._rows = self._rows[first * self._width : end * self._width]
        part._add_to_totals(0, -self.total(first))  # they would grow for ever
        part._squares = None if self._squares is None else self._squares[first : end + 1]
        part.count = end - first
        return part

    def append(self, slot: i64, body: bytes) -> None:
        """Put an entry at the end.

        Raises
        ------
        OverflowError
            The amounts come to more than 64 bits.
        """
        amount = read_i64_le(body, AMOUNT_AT)
        total = _sum(self.total(self.count), amount)
        rows = append(self._rows, time_ms_of(body))
        rows = append(rows, total)
        rows = append(rows, offset_of(body))
        rows = append(rows, seen_ms_of(body))
        rows = append(rows, slot)
        rows = append(rows, read_i64_be(body, ID_AT))
        rows = append(rows, read_i64_be(body, ID_REST_AT))
        rows = append(rows, read_i64_be(body, PAYLOAD_AT))
        for number in range(self._width - _TOKENS):
            rows = append(rows, read_i64_be(body, TOKENS_AT + TOKEN_BYTES * number))
        self._rows = rows
        self.count += 1
        if self._squares is not None:
            self._squares.append(self._squares[-1] + int(amount) ** 2)

    def insert(self, i: i64, slot: i64, body: bytes) -> None:
        """Put an entry at a place; those from there on move up. Raises as `append` does."""
        after = self.part(i, self.count)
        self._cut(i)
        self.append(slot, body)
        self._rejoin(after)

    def remove(self, i: i64) -> None:
        """Take an entry out; those behind it move down."""
        after = self.part(i + 1, self.count)
        self._cut(i)
        self._rejoin(after)

    def _cut(self, end: i64) -> None:
        """Leave out the entries from ``end`` on."""
        self._rows = self._rows[: end * self._width]
        self.count = end
        if self._squares is not None:
            self._squares = self._squares[: end + 1]

    def _rejoin(self, after: "Entries") -> None:
        """Put entries that were a part of these at the end."""
        first, total = self.count, self.total(self.count)
        self._rows = extend(self._rows, after._rows)
        self.count += after.count
        self._add_to_totals(first, total)
        if self._squares is not None and after._squares is not None:
            more = self._squares[-1] - after._squares[0]
            self._squares += [each + more for each in after._squares[1:]]

    def _add_to_totals(self, first: i64, amount: i64) -> None:
        rows, width = self._rows, self._width
        at: i64 = first * width + _TOTAL
        while at < len(rows):
            rows[at] = _sum(rows[at], amount)
            at += width


def _sum(total: i64, amount: i64) -> i64:
    both: i64 = total + amount
    if (both < total) != (amount < 0):  # compiled, it has 64 bits
        raise OverflowError("the amounts come to more than 64 bits")
    return both
