"""Exact sliding windows over a key's history.

A window ends at an event and is (t - w, t] in event time: that event and all of its key that
happened less than ``w`` before it; of events at the same time, those that arrived before it.
"""

import struct
from collections.abc import Sequence
from math import sqrt
from typing import Final

from librt.strings import BytesWriter, write_f64_le
from librt.vecs import append, vec
from mypy_extensions import i64

from headrace.usecase.entries import Entries, earlier
from headrace.usecase.history import KeyHistory

_MS_A_SECOND: Final = 1_000.0


class Aggregate:
    """Measures some windows that end at the same entry."""

    def write(self, out: BytesWriter, entries: Entries, starts: vec[i64], end: i64) -> None:
        """Write what is measured, doubles.

        Parameters
        ----------
        starts, end
            Each window's first entry, the shortest window first, and one past the last of all.
        """
        raise NotImplementedError


class Windows:
    """Measures the windows that end at an event.

    Count and sum of every window come from two look-ups each, whatever its length; what
    ``aggregates`` add is said there.

    Parameters
    ----------
    spans_ms
        Lengths of the windows, shortest first.
    aggregates
        What else to measure.
    """

    def __init__(self, spans_ms: Sequence[int], aggregates: Sequence[Aggregate] = ()) -> None:
        self._spans_ms = vec[i64](spans_ms)
        self._aggregates = list(aggregates)

    def write(self, out: BytesWriter, history: KeyHistory, index: i64) -> None:
        """Measure the windows that end at an entry of a history, and write it, as doubles.

        Count and sum of the amounts of each window, of which the sum is exact before it becomes a
        double (count, sum, count, sum, ...); then what the aggregates give.
        """
        entries, first, end, start = history.entries, history.first, index + 1, index + 1
        time_ms, total = entries.time_ms(index), entries.total(end)
        starts = vec[i64]()
        for span_ms in self._spans_ms:
            start = entries.start_of(earlier(time_ms, span_ms), first, start)
            write_f64_le(out, float(end - start))
            write_f64_le(out, float(total - entries.total(start)))
            if self._aggregates:
                starts = append(starts, start)
        for aggregate in self._aggregates:
            aggregate.write(out, entries, starts, end)

    def measure(self, history: KeyHistory, index: i64) -> list[float]:
        """Return what :meth:`write` writes."""
        out = BytesWriter()
        self.write(out, history, index)
        measured = out.getvalue()
        return list(struct.unpack(f"<{len(measured) // 8}d", measured))


class Deviations(Aggregate):
    """The population standard deviations of the amounts in some windows.

    The variance is (n sum(x^2) - sum(x)^2) / n^2, whose numerator is an exact integer: nothing
    cancels. It costs two look-ups a window, whatever the window's length.
    """

    def __init__(self, windows: Sequence[int]) -> None:
        self._windows = vec[i64](windows)

    def write(self, out: BytesWriter, entries: Entries, starts: vec[i64], end: i64) -> None:
        """Write them."""
        for window in self._windows:
            start = starts[window]
            count = int(end - start)
            total = int(entries.total(end)) - int(entries.total(start))
            squares = entries.square_total(end) - entries.square_total(start)
            write_f64_le(out, sqrt(count * squares - total * total) / count)


class Largest(Aggregate):
    """The largest amounts of some windows, shortest first.

    All entries of the longest window are looked at, once.
    """

    def __init__(self, windows: Sequence[int]) -> None:
        self._windows = vec[i64](windows)

    def write(self, out: BytesWriter, entries: Entries, starts: vec[i64], end: i64) -> None:
        """Write them."""
        i: i64 = end - 1
        after = entries.total(i)
        most = entries.total(end) - after
        for window in self._windows:
            while i > starts[window]:
                i -= 1
                before = entries.total(i)
                most = max(most, after - before)
                after = before
            write_f64_le(out, float(most))


class Distinct(Aggregate):
    """How many values a field has in some windows, shortest first; null is none.

    All entries of the longest window are looked at, once. Values are told apart by 64 bits of
    their SHA-256.
    """

    def __init__(self, column: int, windows: Sequence[int]) -> None:
        self._column: i64 = column
        self._windows = vec[i64](windows)

    def write(self, out: BytesWriter, entries: Entries, starts: vec[i64], end: i64) -> None:
        """Write it."""
        seen, i = {0}, end
        for window in self._windows:
            while i > starts[window]:
                i -= 1
                seen.add(entries.token(i, self._column))
            write_f64_le(out, float(len(seen) - 1))


class SecondsSinceLast(Aggregate):
    """The seconds since the event before this one, ``default`` if none is in the window."""

    def __init__(self, window: int, default: float) -> None:
        self._window: i64 = window
        self._default = default

    def write(self, out: BytesWriter, entries: Entries, starts: vec[i64], end: i64) -> None:
        """Write it."""
        if starts[self._window] == end - 1:
            write_f64_le(out, self._default)
        else:
            since_ms = entries.time_ms(end - 1) - entries.time_ms(end - 2)
            write_f64_le(out, float(since_ms) / _MS_A_SECOND)
