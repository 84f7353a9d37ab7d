"""The offsets of groups: those committed, and those whose producer's end marker is to come."""

from collections.abc import Mapping
from itertools import count
from typing import NamedTuple

from support.fake_kafka.log import Committed

Key = tuple[str, str, int]
"""Group, topic and partition."""


class _Written(NamedTuple):
    committed: Committed
    number: int
    """Grows with each write, as the offset of its record does in the real broker."""


class GroupOffsets:
    """What the group coordinator keeps; a later write wins, whenever its end marker comes.

    The end marker of a producer decides all that is pending of that producer, also what an
    earlier transaction has left there whose own marker was lost.
    """

    def __init__(self) -> None:
        self._numbers = count()
        self._committed: dict[Key, _Written] = {}
        self._pending: dict[str, dict[Key, _Written]] = {}

    def get(self, key: Key) -> Committed | None:
        """Return what is committed, whatever is pending."""
        written = self._committed.get(key)
        return None if written is None else written.committed

    def is_pending(self, key: Key) -> bool:
        """Say whether an end marker will, or will not, commit an offset here."""
        return any(key in pending for pending in self._pending.values())

    def commit(self, offsets: Mapping[Key, Committed]) -> None:
        """Commit offsets outside any transaction."""
        for key, committed in offsets.items():
            self._committed[key] = _Written(committed, next(self._numbers))

    def add(self, producer: str, offsets: Mapping[Key, Committed]) -> None:
        """Keep offsets until the producer's end marker comes."""
        pending = self._pending.setdefault(producer, {})
        for key, committed in offsets.items():
            pending[key] = _Written(committed, next(self._numbers))

    def end(self, producer: str, *, committed: bool) -> None:
        """Take a producer's end marker."""
        for key, written in self._pending.pop(producer, {}).items():
            held = self._committed.get(key)
            if committed and (held is None or held.number < written.number):
                self._committed[key] = written
