"""What has changed and is not told yet, by whom it is of; kept beside the state.

Who is told of often costs every reader. So the changes of one owner wait until event time, which
anybody's records move on, has come so far; and no longer than until nothing comes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Final, NamedTuple

NEVER_MS: Final = -(2**62)
"""Before all times."""
ALWAYS_MS: Final = 2**62
"""After all times."""


class Owner(NamedTuple):
    """Of whom a profile is, and which partition tells."""

    partition: int
    name: str


@dataclass(slots=True)
class _Waiting:
    """What of one owner is not told yet."""

    due_ms: int
    buckets: set[str] = field(default_factory=set)


class Held:
    """The buckets that wait, by owner."""

    def __init__(self) -> None:
        self.now_ms = NEVER_MS
        """How far event time has come in all partitions in hand."""
        self._waiting: dict[Owner, _Waiting] = {}
        self._due: list[tuple[int, Owner]] = []
        """As a heap; of an owner that became due earlier, the later entry stays and means nothing.
        """

    def hold(self, owner: Owner, bucket: str, due_ms: int) -> None:
        """Have a bucket wait, and all of its owner no longer than the first of them is to."""
        waiting = self._waiting.get(owner)
        if waiting is None:
            waiting = self._waiting[owner] = _Waiting(due_ms)
            heappush(self._due, (due_ms, owner))
        elif due_ms < waiting.due_ms:
            waiting.due_ms = due_ms
            heappush(self._due, (due_ms, owner))
        waiting.buckets.add(bucket)

    @property
    def told_ms(self) -> int:
        """Until when nothing that is due is left: to now, or to before the first that waits."""
        return min(self.now_ms, self._due[0][0] - 1) if self._due else self.now_ms

    @contextmanager
    def due(self, until_ms: int, most: int) -> Iterator[list[tuple[int, str]]]:
        """Take out what is due, as partitions and buckets; where telling it fails, it stays.

        No owner is taken beyond ``most`` buckets.
        """
        taken: dict[Owner, _Waiting] = {}
        found: list[tuple[int, str]] = []
        while self._due and self._due[0][0] <= until_ms and len(found) < most:
            due_ms, owner = heappop(self._due)
            waiting = self._waiting.get(owner)
            if waiting is not None and waiting.due_ms == due_ms:
                taken[owner] = self._waiting.pop(owner)
                found += [(owner.partition, bucket) for bucket in sorted(waiting.buckets)]
        try:
            yield found
        except BaseException:
            for owner, waiting in taken.items():
                self._waiting[owner] = waiting
                heappush(self._due, (waiting.due_ms, owner))
            raise
