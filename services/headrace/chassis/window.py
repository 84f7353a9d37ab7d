"""What of a partition is under way, one by one and each at its own pace, and what is done of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, NamedTuple, Self, TypeVar

import orjson

T = TypeVar("T")

MOST: Final = 200
"""So many are under way at most: what is said of them must fit beside an offset (4 KB)."""


@dataclass(slots=True)
class Pending(Generic[T]):
    """A record that is under way."""

    offset: int
    key: str
    what: T
    tries: int
    due_s: float


class Position(NamedTuple):
    """Where a reader stands, as it is committed."""

    offset: int
    """All before it is done."""
    metadata: str
    """What of the records from there on is done as well, and how often others were tried."""


class Window(Generic[T]):
    """The records that are under way; those of one key follow each other."""

    def __init__(self) -> None:
        self._pending: dict[int, Pending[T]] = {}
        self._done: set[int] = set()
        self._tries: dict[int, int] = {}
        self._next: int | None = None

    @classmethod
    def restored(cls, metadata: str) -> Self:
        """Return a window that knows what was committed beside an offset."""
        window = cls()
        try:
            done, tries = orjson.loads(metadata or "[[], []]")
            window._done, window._tries = set(done), dict(tries)
        except ValueError:
            return cls()  # somebody has set the offset by hand: all from there on is done again
        return window

    @property
    def is_full(self) -> bool:
        """Whether no more may be added."""
        return len(self._pending) + len(self._done) >= MOST

    def add(self, offset: int, key: str, what: T) -> None:
        """Take in the next record; what was done before is passed over."""
        self._next = offset + 1
        if offset not in self._done:
            tries = self._tries.pop(offset, 0)
            self._pending[offset] = Pending(offset, key, what, tries, 0.0)

    def due(self, now_s: float) -> Sequence[Pending[T]]:
        """Return what is to be tried now: of each key its first, if it is due."""
        first: dict[str, Pending[T]] = {}
        for each in self._pending.values():
            first.setdefault(each.key, each)
        return [each for each in first.values() if each.due_s <= now_s]

    def finish(self, offset: int) -> None:
        """Note that a record is done."""
        del self._pending[offset]
        self._done.add(offset)

    def postpone(self, offset: int, due_s: float) -> None:
        """Note that a record was tried in vain."""
        self._pending[offset].tries += 1
        self._pending[offset].due_s = due_s

    def position(self) -> Position | None:
        """Return where it stands; None before anything was added."""
        if self._next is None:
            return None
        offset = min(self._pending, default=self._next)
        self._done = {each for each in self._done if each >= offset}  # some not read again yet
        tries: list[Any] = [[o, each.tries] for o, each in self._pending.items() if each.tries]
        tries += [[o, n] for o, n in self._tries.items() if o >= offset]
        return Position(offset, orjson.dumps([sorted(self._done), tries]).decode())
