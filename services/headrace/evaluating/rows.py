"""What is remembered of a window's events: the latest outcome of each, in about 45 bytes."""

from hashlib import sha256
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

CENSORED: Final = -1
"""The value of an outcome that nobody knows."""
_FRESH: Final = 256  # so many outcomes, or an eighth of the others, wait to be sorted in


class Row(NamedTuple):
    """The latest outcome of an event."""

    event: int
    """Its id, as ``digest_of`` has it."""
    source: int
    value: int
    """0, 1 or ``CENSORED``."""
    is_priced: bool
    cost_minor: int
    approving_minor: int
    levels: tuple[int, ...]
    """Of each model's score."""


Table = NDArray[np.void]
"""(n,) of a row's fields."""


def digest_of(event_id: str) -> int:
    """Return 64 bits by which an event is known within its window.

    Of a hundred thousand ids in a window, two are the same with a chance of 3e-10.
    """
    return int.from_bytes(sha256(event_id.encode()).digest()[:8], signed=True)


class Rows:
    """The rows of one window: an array sorted by event, and the latest ones in a dict.

    Parameters
    ----------
    models
        How many of them score each event.
    """

    def __init__(self, models: int) -> None:
        self._table: Table = np.empty(
            0,
            [
                ("event", "<i8"),
                ("source", "u1"),
                ("value", "i1"),
                ("is_priced", "?"),
                ("cost_minor", "<i8"),
                ("approving_minor", "<i8"),
                ("levels", "<i2", (models,)),
            ],
        )
        self._events: NDArray[np.int64] = np.empty(0, np.int64)  # contiguous, to be searched in
        self._fresh: dict[int, Row] = {}

    def levels(self, event: int) -> tuple[int, ...] | None:
        """Return the levels that an event has been remembered with, if it is known."""
        if event in self._fresh:
            return self._fresh[event].levels
        place = int(np.searchsorted(self._events, event))
        if place == len(self._events) or self._events[place] != event:
            return None
        levels: Any = self._table["levels"][place]
        return tuple(levels.tolist())

    def put(self, row: Row) -> None:
        """Remember a row in place of the event's earlier one."""
        self._fresh[row.event] = row
        if len(self._fresh) > max(_FRESH, len(self._events) // 8):
            self.table()

    def table(self) -> Table:
        """Return all rows, sorted by event: the same after the same rows, in whatever order."""
        if self._fresh:
            fresh = np.array(list(self._fresh.values()), self._table.dtype)
            both = np.concatenate([self._table, fresh])
            both = both[np.argsort(both["event"], kind="stable")]
            is_latest = np.append(both["event"][1:] != both["event"][:-1], True)
            self._table = both[is_latest]
            self._events = np.ascontiguousarray(self._table["event"])
            self._fresh = {}
        return self._table
