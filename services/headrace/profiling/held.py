"""What has changed and is not told yet, by whom it is of; kept beside the state.

Who is told of often costs every reader. So the changes of one owner wait until event time, which
anybody's records move on, has come so far; and no longer than until nothing comes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from heapq import heappop, heappush
from typing import Final, NamedTuple

MOST: Final = 5_000
"""About so many buckets are told at once at most, so that a transaction stays small."""
NEVER_MS: Final = -(2**62)
"""Before all times."""
ALWAYS_MS: Final = 2**62
"""After all times."""


class Owner(NamedTuple):
    """Of whom a profile is, and which partition tells."""

    partition: int
    name: str


class Held:
    """The buckets that wait, by owner."""

    def __init__(self) -> None:
        self.now_ms = NEVER_MS
        """How far event time has come in all partitions in hand."""
        self._waiting: dict[Owner, set[str]] = {}
        self._due: list[tuple[int, Owner]] = []
        """As a heap; each owner that waits once."""

    def __len__(self) -> int:
        """Return how many owners wait."""
        return len(self._waiting)

    def hold(self, owner: Owner, bucket: str, due_ms: int) -> None:
        """Have a bucket wait; an owner that waits already is told of when that was to be."""
        waiting = self._waiting.get(owner)
        if waiting is None:
            waiting = self._waiting[owner] = set()
            heappush(self._due, (due_ms, owner))
        waiting.add(bucket)

    @contextmanager
    def due(self, until_ms: int) -> Iterator[list[tuple[int, str]]]:
        """Take out what is due, as partitions and buckets; where telling it fails, it stays."""
        taken: list[tuple[int, Owner]] = []
        found: list[tuple[int, str]] = []
        while self._due and self._due[0][0] <= until_ms and len(found) < MOST:
            taken.append(heappop(self._due))
            owner = taken[-1][1]
            found += [(owner.partition, bucket) for bucket in sorted(self._waiting[owner])]
        try:
            yield found
        except BaseException:
            for each in taken:
                heappush(self._due, each)
            raise
        for _, owner in taken:
            del self._waiting[owner]
