"""The places that reviewers have on each day of event time.

A place's price rises as a day's places run out: a review that the model asks for is only made
where it saves, against the next best action, at least ``review cost * taken / left``. The first
reviews of a day are so free of it, half way it is the cost of a review again, and the last place
goes only to what saves a multiple. It is a pure function of what the partition has decided before,
so a restart and a replay find the same.
"""

import struct
from typing import Final

from headrace.usecase.declared import DAY_MS

RESERVED_KEY: Final = "\0reviews"
"""The key of a partition's state under which they are counted."""
_DAYS: Final = 64
_BODY = struct.Struct("<qq")


class Reviews:  # noqa: PLW1641 -- mutable: it has no hash
    """How many reviews a partition has asked for, by day; the latest ``_DAYS`` days are known.

    A slot of the changelog is the day modulo ``_DAYS``: the changelog stays as small.
    """

    __slots__ = ("_taken",)

    def __init__(self, taken: dict[int, tuple[int, int]] | None = None) -> None:
        self._taken = {} if taken is None else taken

    def __eq__(self, other: object) -> bool:
        return self._taken == other._taken if isinstance(other, Reviews) else NotImplemented

    def copy(self) -> "Reviews":
        """Return counts of its own."""
        return Reviews(dict(self._taken))

    def taken(self, time_ms: int) -> int | None:
        """Return how many places of an event's day are taken; None where that is not known."""
        day = time_ms // DAY_MS
        known, count = self._taken.get(day % _DAYS, (day, 0))
        return None if known > day else count if known == day else 0

    def take(self, time_ms: int) -> tuple[int, bytes]:
        """Take a place, and return the slot and the body of the change to record."""
        day, count = time_ms // DAY_MS, (self.taken(time_ms) or 0) + 1
        self._taken[day % _DAYS] = day, count
        return day % _DAYS, _BODY.pack(day, count)

    def restore(self, slot: int, body: bytes) -> None:
        """Take in a recorded change.

        Raises
        ------
        struct.error
            The body has not the length of a count.
        """
        day, count = _BODY.unpack(body)
        self._taken[slot] = day, count


class Capacity:
    """What one partition may ask of the reviewers.

    Parameters
    ----------
    per_day
        The reviewers' places on a day, for all partitions together.
    partitions
        How many partitions share them: evenly, the first ones get what is left over.
    cost_minor
        What a review costs, in minor units.
    """

    def __init__(self, per_day: int, partitions: int, cost_minor: int) -> None:
        self._share, self._rest = divmod(per_day, partitions)
        self._cost_minor = cost_minor

    def places(self, partition: int) -> int:
        """Return the places that a partition has on a day."""
        return self._share + (partition < self._rest)

    def has_place(self, partition: int, taken: int | None) -> bool:
        """Tell whether a review that is due without regard to its cost may be made."""
        return taken is not None and taken < self.places(partition)

    def is_worth(self, partition: int, taken: int | None, saving_minor: float) -> bool:
        """Tell whether a review that saves so much, in minor units, may be made."""
        if taken is None or taken >= self.places(partition):
            return False
        left = self.places(partition) - taken
        return saving_minor * left >= self._cost_minor * taken
