"""When each published record was due, so that latency counts from there, not from its sending."""

from array import array

import numpy as np
from numpy.typing import NDArray


class DueTimes:
    """Due times by partition and offset; 16 bytes a record.

    One thread records, in the order of the offsets, as an idempotent producer delivers; any may
    ask afterwards.
    """

    def __init__(self) -> None:
        self._offsets: dict[int, array[int]] = {}
        self._due_s: dict[int, array[float]] = {}

    def record(self, partition: int, offset: int, due_s: float) -> None:
        """Note when the record at an offset was due."""
        if partition not in self._due_s:
            self._offsets[partition] = array("q")
            self._due_s[partition] = array("d")
        self._due_s[partition].append(due_s)
        self._offsets[partition].append(offset)

    def due_s(self, partition: int, offsets: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return when the records at ``offsets`` (shape (n,)) were due; NaN where unknown."""
        known = np.array(self._offsets.get(partition, ()), np.int64)
        due_s = np.array(self._due_s.get(partition, ()), np.float64)[: len(known)]
        if not len(known):
            return np.full(len(offsets), np.nan)
        at = np.minimum(np.searchsorted(known, offsets), len(known) - 1)
        return np.where(known[at] == offsets, due_s[at], np.nan)
