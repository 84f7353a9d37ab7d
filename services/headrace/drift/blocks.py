"""Watching how values are distributed: blocks of records beside those of the same hours before."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from headrace.drift.monitor import Change, Monitor, Sized, Value

HOURS: Final = 168
"""Of a week; one more is for records of which nobody knows when they happened."""
RECORDS: Final = 500
"""In a block, at least."""
_GROUPS: Final = 10
_FIRST: Final = 20
"""Blocks that only tell what is usual."""
_LEAST: Final = 20
"""Blocks that were measured, before one is strange."""
_PRIOR: Final = 50.0
"""An hour's own records weigh as much as all hours' once there are so many."""
_HALF: Final = 0.5
"""Added to each group, so that none is empty."""


class Tally(NamedTuple):
    """How the values of some records of one hour of the week are distributed."""

    hour: int
    """Of the week, from 0; -1 where nobody knows."""
    at_ms: int
    """When the last of them happened (event time)."""
    bins: Sequence[int]
    counts: Sequence[int]
    """Bin by bin."""
    total: float = 0.0
    """Of the values."""
    example: str = ""


class BlockMonitor(Monitor):
    """Watches a distribution.

    The value of a block is its population stability index: the sum over groups of ``(o - e) *
    ln(o / e)``, where ``o`` is a group's share and ``e`` is what it would be expected to be at the
    block's hours of the week. Groups are tenths of the first block, or the bins where those are
    fewer. What an hour's share is usually is drawn towards that of all hours, as long as there are
    few records of that hour.
    """

    _edges: NDArray[np.int64]
    """The last bins of all groups but the last one."""
    _usual: NDArray[np.float64]
    """(hours, groups): how many records there were."""
    _total: float
    _blocks: int
    _block: dict[int, dict[int, int]]
    """Of the block that is not over: how many records by hour and bin."""
    _block_total: float
    _records: int

    def __init__(self, subject: str, *, least_magnitude: float, warm_up_ms: int = 0) -> None:
        self._warm_up_ms = warm_up_ms
        self._first_ms = 0
        super().__init__(subject, two_sided=False, least=_LEAST, least_magnitude=least_magnitude)

    def tally(self, tally: Tally, once_in: float) -> Change | None:
        """Take in some records; the block is over once it has ``RECORDS``.

        Parameters
        ----------
        once_in
            At most one false alarm is allowed in so many blocks.
        """
        self._first_ms = self._first_ms or tally.at_ms
        if tally.at_ms < self._first_ms + self._warm_up_ms:
            return None
        hour = self._block.setdefault(tally.hour, {})
        for each, count in zip(tally.bins, tally.counts, strict=True):
            hour[each] = hour.get(each, 0) + count
            self._records += count
        self._block_total += tally.total
        return None if self._records < RECORDS else self._close(tally, once_in)

    def _close(self, last: Tally, once_in: float) -> Change | None:
        if not len(self._edges):
            self._edges = _edges(self._block)
            self._usual = np.zeros((HOURS + 1, len(self._edges) + 1))
        hours, counts = list(self._block), self._grouped()
        carried = [hours, counts.astype(int).tolist(), self._block_total]
        self._block, self._block_total, self._records = {}, 0.0, 0
        if self._blocks < _FIRST:
            self.learn(Value(0.0, last.at_ms, last.example, carried))
            return None
        # Finer, it falls for ever where nothing happens: as more is known, groups that nobody is in
        # are known better to be empty.
        index = round(self._index_of(counts, hours), 3)
        return self.take(Value(index, last.at_ms, last.example, carried), once_in)

    def _grouped(self) -> NDArray[np.float64]:
        """Return the counts of the block by hour and group, (hours, groups)."""
        counts = np.zeros((len(self._block), len(self._edges) + 1))
        for row, hour in zip(counts, self._block.values(), strict=True):
            np.add.at(row, np.searchsorted(self._edges, list(hour)), list(hour.values()))
        return counts

    def _index_of(self, counts: NDArray[np.float64], hours: Sequence[int]) -> float:
        """Return the population stability index of counts by hour and group."""
        everywhere = self._usual.sum(0) + _HALF
        everywhere /= everywhere.sum()
        own = self._usual[hours]
        usual = (own + _PRIOR * everywhere) / (own.sum(1, keepdims=True) + _PRIOR)
        expected = counts.sum(1) @ usual + _HALF
        observed = counts.sum(0) + _HALF
        expected, observed = expected / expected.sum(), observed / observed.sum()
        return float(((observed - expected) * np.log(observed / expected)).sum())

    def size(self, suspects: Sequence[Value]) -> Sized:
        """Return the means, and the index of all suspected blocks together."""
        hours = [hour for each in suspects for hour in each.carried[0]]
        counts = np.array([row for each in suspects for row in each.carried[1]], float)
        before = self._total / max(self._usual.sum(), 1.0)
        after = sum(each.carried[2] for each in suspects) / counts.sum()
        return Sized(float(before), float(after), self._index_of(counts, hours))

    def accept(self, value: Value) -> None:
        """Learn what is usual at the block's hours."""
        hours, counts, total = value.carried
        np.add.at(self._usual, hours, counts)
        self._total += total
        self._blocks += 1

    def forget(self) -> None:
        """Forget what is usual, and the groups."""
        self._edges = np.zeros(0, np.int64)
        self._usual = np.zeros((0, 0))
        self._total = 0.0
        self._blocks = 0
        self._block = {}
        self._block_total = 0.0
        self._records = 0

    def now(self) -> dict[str, Any]:
        """Return what changes with each value."""
        return super().now() | {
            "first_ms": self._first_ms,
            "block": [[hour, list(each.items())] for hour, each in self._block.items()],
            "block_total": self._block_total,
            "records": self._records,
        }

    def usual(self) -> dict[str, Any]:
        """Return what is usual."""
        return super().usual() | {
            "edges": self._edges.tolist(),
            "usual": self._usual.astype(int).tolist(),
            "total": self._total,
            "blocks": self._blocks,
        }

    def restore_now(self, parts: Mapping[str, Any]) -> None:
        """Take back :meth:`now`."""
        super().restore_now(parts)
        self._first_ms, self._records = parts["first_ms"], parts["records"]
        self._block = {hour: dict(each) for hour, each in parts["block"]}
        self._block_total = parts["block_total"]

    def restore_usual(self, parts: Mapping[str, Any]) -> None:
        """Take back :meth:`usual`."""
        super().restore_usual(parts)
        self._edges = np.array(parts["edges"], np.int64)
        self._usual = np.array(parts["usual"], float).reshape(-1, len(self._edges) + 1)
        self._total, self._blocks = parts["total"], parts["blocks"]


def _edges(block: Mapping[int, Mapping[int, int]]) -> NDArray[np.int64]:
    """Return the last bins of all groups but the last one, from a block's tenths.

    What is below the first bin, or above the last, is in a group of its own: it was never there.
    """
    counts = Counter[int]()
    for hour in block.values():
        counts.update(hour)
    bins = sorted(counts)
    below = np.cumsum([counts[each] for each in bins]) / sum(counts.values())
    tenths = np.searchsorted(below, np.arange(1, _GROUPS) / _GROUPS)
    return np.array(sorted({bins[0] - 1, *(bins[each] for each in tenths), bins[-1]}), np.int64)
