"""Cutting records into pieces that are sketched together; no Kafka, no clock."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from headrace.usecase.columns import DAY_MS, HOUR_MS, calendar_column

UNKNOWN: Final = -1
MOST_RECORDS: Final = 500
_QUARTER_MS: Final = 6 * HOUR_MS
"""Of a day."""
_ENDLESS: Final = np.iinfo(np.int64).max
Integers = NDArray[np.int64]


class Stretch(NamedTuple):
    """Records of one partition, one after the other, but for what they say."""

    topic: str
    partition: int
    offsets: Sequence[int]
    came_ms: Sequence[int]
    """When each came to the broker; negative where nobody knows."""
    values: Sequence[bytes] = ()
    """Their bytes; needed of events only."""


class Piece(NamedTuple):
    """Some of them, one after the other."""

    rows: slice
    hour: int
    """Of the week: of the first whose time is known; ``UNKNOWN`` where that is none."""
    start_ms: int
    end_ms: int


def cut(
    times_ms: Integers,
    came_ms: Sequence[int],
    until_ms: int,
    kinds: Sequence[int] | None = None,
    few: int = 1,
) -> list[Piece]:
    """Cut n records where the hour of the week changes, or the kind.

    What lacks the one or the other goes with its neighbours: broken records among others must not
    make a sketch of each.

    Parameters
    ----------
    times_ms
        (n,) event times; one before 1970, ``UNKNOWN`` among them, or after ``until_ms`` is none.
    came_ms
        Stands for the times of a piece in which no record has any.
    kinds
        (n,) numbers from 0 on, or ``UNKNOWN``; all are of one kind without it.
    few
        Where fewer records than that are of one hour, and of the next one too, they go together
        until there are so many; as long as they are of the same quarter of a day, and of one kind.
    """
    known = is_known(times_ms, until_ms)
    hours = hours_of_week(times_ms)
    quarters = _filled(np.where(known, times_ms // _QUARTER_MS, UNKNOWN))
    may = np.diff(_filled(np.where(known, hours, UNKNOWN))) != 0
    must = np.diff(quarters) != 0
    if kinds is not None:
        is_another = np.diff(_filled(np.array(kinds, np.int64))) != 0
        may, must = may | is_another, must | is_another
    bounds = [*_begins(may, must, few), len(times_ms)]
    firsts = [first for begin, end in pairwise(bounds) for first in range(begin, end, MOST_RECORDS)]
    rows = np.where(known, np.arange(len(times_ms)), len(times_ms) - 1)
    ends = zip(
        map(slice, firsts, [*firsts[1:], len(times_ms)]),
        np.logical_or.reduceat(known, firsts).tolist(),
        hours[np.minimum.reduceat(rows, firsts)].tolist(),  # of the first whose time is known
        np.minimum.reduceat(np.where(known, times_ms, _ENDLESS), firsts).tolist(),
        np.maximum.reduceat(np.where(known, times_ms, UNKNOWN), firsts).tolist(),
        strict=True,
    )
    return [
        Piece(piece, hour, start_ms, end_ms) if is_timed else _untimed(piece, came_ms)
        for piece, is_timed, hour, start_ms, end_ms in ends
    ]


def is_known(times_ms: Integers, until_ms: int) -> NDArray[np.bool_]:
    """Tell which event times can be true."""
    return (times_ms >= 0) & (times_ms <= until_ms)


def hours_of_week(times_ms: Integers) -> Integers:
    """Return the hour of each time: 0 is the first on Monday, UTC, and 167 the last on Sunday."""
    weekdays = calendar_column(times_ms, "weekday").astype(np.int64)
    return weekdays * (DAY_MS // HOUR_MS) + times_ms // HOUR_MS % (DAY_MS // HOUR_MS)


def _begins(may: NDArray[np.bool_], must: NDArray[np.bool_], few: int) -> list[int]:
    """Return the first rows of pieces, given after which rows one may end, and after which it must.

    Parameters
    ----------
    few
        What has fewer rows goes with what comes next, where that has fewer, too.
    """
    ends = np.flatnonzero(may)
    starts = [0, *(ends + 1).tolist()]
    sizes = np.diff([*starts, len(may) + 1]).tolist()
    begins, size = [0], sizes[0]
    for start, own, is_certain in zip(starts[1:], sizes[1:], must[ends].tolist(), strict=True):
        if is_certain or size >= few or own >= few:
            begins.append(start)
            size = own
        else:
            size += own
    return begins


def _filled(values: Integers) -> Integers:
    """Return the values with, for unknown ones, the known one before, or else the first."""
    rows = np.where(values != UNKNOWN, np.arange(len(values)), -1)
    latest = np.maximum.accumulate(rows)
    first = int(np.argmax(values != UNKNOWN))  # 0 where none is known
    return values[np.where(latest < 0, first, latest)]


def _untimed(rows: slice, came_ms: Sequence[int]) -> Piece:
    """Return a piece of which no event time is known."""
    came = [max(0, each) for each in came_ms[rows]]
    return Piece(rows, UNKNOWN, min(came), max(came))
