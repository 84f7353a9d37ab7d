"""Exact sliding windows over a key's history.

A window ends at an event and is (t - w, t] in event time: that event and all of its key that
happened less than ``w`` before it; of events at the same time, those that arrived before it.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from math import sqrt
from typing import Any

import numpy as np

from headrace.usecase.entries import Entries
from headrace.usecase.history import KeyHistory

_LONG = 256
"""From this length on numpy's largest is quicker than Python's."""

Aggregate = Callable[[Entries, list[int], int], Sequence[float]]
"""Given the entries, the start of each window (shortest first) and their common end."""


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
        self.measure: Callable[[KeyHistory, int], list[float]] = _compiled(spans_ms, aggregates)
        """Measures the windows that end at an entry of a history, given its index: count and sum of
        the amounts of each window, exact integers (count, sum, count, sum, ...); then what the
        aggregates give."""


def _compiled(
    spans_ms: Sequence[int], aggregates: Sequence[Aggregate]
) -> Callable[[KeyHistory, int], list[float]]:
    """Write the loop over the windows out, the shortest first: each begins before the last."""
    names: dict[str, Any] = {"start_of": bisect_right}
    lines, measured, starts, start = list[str](), list[str](), list[str](), "end"
    for number, span_ms in enumerate(spans_ms):
        last, start = start, f"s{number}"
        lines.append(f" {start} = start_of(times_ms, time_ms - {int(span_ms)}, first, {last})")
        measured += [f"end - {start}", f"total - totals[{start}]"]
        starts.append(start)
    for number, aggregate in enumerate(aggregates):
        names[f"aggregate{number}"] = aggregate
        measured.append(f"*aggregate{number}(entries, starts, end)")
    text = "\n".join(
        [
            "def measure(history, index):",
            " entries, first, end = history.entries, history.first, index + 1",
            " times_ms, totals = entries.times_ms, entries.totals",
            " time_ms, total = times_ms[index], totals[end]",
            *lines,
            *([f" starts = [{', '.join(starts)}]"] if aggregates else []),
            f" return [{', '.join(measured)}]",
        ]
    )
    exec(text, names)  # noqa: S102 -- the text holds only numbers of the charter
    compiled: Callable[[KeyHistory, int], list[float]] = names["measure"]
    return compiled


def deviations(windows: Sequence[int]) -> Aggregate:
    """Return the population standard deviations of the amounts in some windows.

    The variance is (n sum(x^2) - sum(x)^2) / n^2, whose numerator is an exact integer: nothing
    cancels. It costs two look-ups a window, whatever the window's length.
    """

    def measure(entries: Entries, starts: list[int], end: int) -> list[float]:
        totals, squares = entries.totals, entries.squares
        assert squares is not None  # noqa: S101 -- the layout keeps what is measured
        measured = []
        for window in windows:
            start = starts[window]
            count, total = end - start, totals[end] - totals[start]
            measured.append(sqrt(count * (squares[end] - squares[start]) - total * total) / count)
        return measured

    return measure


def largest(windows: Sequence[int]) -> Aggregate:
    """Return the largest amounts of some windows, shortest first.

    All entries of the longest window are looked at, once.
    """

    def measure(entries: Entries, starts: list[int], end: int) -> list[float]:
        amounts = entries.amounts
        assert amounts is not None  # noqa: S101 -- the layout keeps what is measured
        measured: list[float] = []
        most, done = amounts[end - 1], end - 1
        for window in windows:
            start = starts[window]
            if done - start > _LONG:
                most = max(most, int(np.frombuffer(amounts, np.int64)[start:done].max()))
            elif start < done:
                most = max(most, *amounts[start:done])
            done = start
            measured.append(most)
        return measured

    return measure


def distinct(column: int, windows: Sequence[int]) -> Aggregate:
    """Return how many values a field has in some windows, shortest first; null is none.

    All entries of the longest window are looked at, once. Values are told apart by 64 bits of
    their SHA-256.
    """

    def measure(entries: Entries, starts: list[int], end: int) -> list[float]:
        tokens = entries.tokens[column]
        measured: list[float] = []
        seen, done = {0}, end
        for window in windows:
            start = starts[window]
            seen.update(tokens[start:done])
            done = start
            measured.append(len(seen) - 1)
        return measured

    return measure


def seconds_since_last(window: int, default: float) -> Aggregate:
    """Return the seconds since the event before this one, ``default`` if none is in the window."""

    def measure(entries: Entries, starts: list[int], end: int) -> list[float]:
        if starts[window] == end - 1:
            return [default]
        times_ms = entries.times_ms
        return [(times_ms[end - 1] - times_ms[end - 2]) / 1_000]

    return measure
