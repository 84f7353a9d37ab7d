"""State by key: an overlay for the batch in hand over what has been committed.

Every change is one changelog entry (key, slot, body). Restoring is applying the last entry of
each slot, in any order, so the compacted changelog topic is the state.
"""

from collections.abc import Iterator, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

V = TypeVar("V")


class Format(Protocol[V]):
    """How the values of a state look, are copied and are restored."""

    @property
    def version(self) -> int:
        """Version of the layout of the bodies; a restore refuses any other."""

    @property
    def forgets(self) -> bool:
        """Whether keys are forgotten; where none is, a restore refuses what takes one away."""

    def empty(self, key: str) -> V:
        """Return the value of a key never seen; keys may have values of several kinds."""

    def copy(self, value: V) -> V:
        """Return a copy that shares nothing mutable with ``value``."""

    def apply(self, value: V, slot: int, body: bytes) -> None:
        """Restore one change; the changes of a key may come in any order, one for each slot."""


class Stateless:
    """The format of a state in which there is nothing."""

    version = 1
    forgets = False

    def empty(self, key: str) -> None:
        """Return nothing."""

    def copy(self, value: None) -> None:
        """Return nothing."""

    def apply(self, value: None, slot: int, body: bytes) -> None:
        """Restore nothing."""


class Change(NamedTuple):
    """One changelog entry."""

    partition: int
    key: str
    slot: int
    offset: int
    """Offset of the input that the change reflects."""
    body: bytes | None
    """None where the key is forgotten."""


class Changes:
    """Changelog entries in their order, as columns."""

    def __init__(self) -> None:
        self.partitions: list[int] = []
        self.keys: list[str] = []
        self.slots: list[int] = []
        self.offsets: list[int] = []
        self.bodies: list[bytes | None] = []

    def __len__(self) -> int:
        return len(self.keys)

    def __iter__(self) -> Iterator[Change]:
        columns = self.partitions, self.keys, self.slots, self.offsets, self.bodies
        return map(Change, *columns)

    @property
    def bytes_long(self) -> int:
        """Length of all bodies."""
        return sum([len(body) for body in self.bodies if body is not None])

    def add(self, partition: int, key: str, slot: int, offset: int, body: bytes | None) -> None:
        """Add an entry."""
        self.partitions.append(partition)
        self.keys.append(key)
        self.slots.append(slot)
        self.offsets.append(offset)
        self.bodies.append(body)

    def extend(self, others: "Changes") -> None:
        """Add the entries of others."""
        self.partitions += others.partitions
        self.keys += others.keys
        self.slots += others.slots
        self.offsets += others.offsets
        self.bodies += others.bodies


class View(Generic[V]):
    """The state as a handler sees it."""

    def get(self, partition: int, key: str) -> V:
        """Return a private copy of the key's value, with all changes of this batch in it."""
        raise NotImplementedError

    def change(self, partition: int, key: str, slot: int, offset: int, body: bytes) -> None:
        """Record the change that the handler has just made to the value."""
        raise NotImplementedError

    def forget(self, partition: int, key: str, slots: Sequence[int], offset: int) -> None:
        """Forget a key, given all slots of it that were ever written."""
        raise NotImplementedError


class KeyedState(Generic[V]):
    """The committed values of the partitions in hand."""

    def __init__(self, layout: Format[V]) -> None:
        self.layout = layout
        self._values: dict[int, dict[str, V]] = {}

    def __len__(self) -> int:
        """Return the number of keys held."""
        return sum(map(len, self._values.values()))

    def __iter__(self) -> Iterator[tuple[int, str, V]]:
        """Iterate over (partition, key, value)."""
        for partition, values in self._values.items():
            for key, value in values.items():
                yield partition, key, value

    def of(self, partition: int) -> dict[str, V]:
        """Return the values of a partition by key."""
        return self._values.setdefault(partition, {})

    def drop(self, partition: int) -> None:
        """Forget a partition."""
        self._values.pop(partition, None)

    def restore(self, change: Change) -> None:
        """Apply an entry of the changelog.

        All slots of a key are forgotten together, so the first of them forgets the key.
        """
        values = self.of(change.partition)
        if change.body is None:
            values.pop(change.key, None)
            return
        value = values.get(change.key)
        if value is None:
            value = values[change.key] = self.layout.empty(change.key)
        self.layout.apply(value, change.slot, change.body)

    def overlay(self) -> "Overlay[V]":
        """Return an empty overlay over what is committed."""
        return Overlay(self, None)


class Overlay(View[V]):
    """The changes of a batch, seen by its later records and by nobody else until merged.

    Overlays stack. A batch is handled above the one before it while that is being committed;
    bisecting a failed batch tries each half in an overlay of its own, whose changes are absorbed
    only where the half succeeded.
    """

    def __init__(self, state: KeyedState[V], below: "Overlay[V] | None") -> None:
        self._state = state
        self._below = below
        self._values: dict[int, dict[str, V | None]] = {}
        """By partition; None where a key was forgotten."""
        self.changes = Changes()

    def get(self, partition: int, key: str) -> V:
        """Return a private copy of the key's value, with all changes of this batch in it."""
        values = self._of(partition)
        value = values.get(key)
        if value is None:
            below = None if key in values else self._find(partition, key)
            layout = self._state.layout
            value = values[key] = layout.empty(key) if below is None else layout.copy(below)
        return value

    def change(self, partition: int, key: str, slot: int, offset: int, body: bytes) -> None:
        """Record the change that the handler has just made to the value."""
        self.changes.add(partition, key, slot, offset, body)

    def forget(self, partition: int, key: str, slots: Sequence[int], offset: int) -> None:
        """Forget a key, given all slots of it that were ever written."""
        self._of(partition)[key] = None
        for slot in slots:
            self.changes.add(partition, key, slot, offset, None)

    def above(self) -> "Overlay[V]":
        """Return an empty overlay over this one."""
        return Overlay(self._state, self)

    def absorb(self, above: "Overlay[V]") -> None:
        """Take over what an overlay above has changed."""
        for partition, values in above._values.items():
            self._of(partition).update(values)
        self.changes.extend(above.changes)

    def merge(self, partitions: set[int]) -> None:
        """Put the values of partitions into the state: their transaction has been committed.

        Only what was changed is merged: a key that was merely looked up stays as it was. What is
        below was merged before, so it is found in the state from now on.
        """
        self._below = None
        changes = self.changes
        for number, partition in enumerate(changes.partitions):
            if partition in partitions:
                key = changes.keys[number]
                value = self._of(partition)[key]
                if value is None:
                    self._state.of(partition).pop(key, None)
                else:
                    self._state.of(partition)[key] = value

    def _find(self, partition: int, key: str) -> V | None:
        overlay = self._below
        while overlay is not None:
            values = overlay._values.get(partition)
            if values is not None and key in values:
                return values[key]
            overlay = overlay._below
        return self._state.of(partition).get(key)

    def _of(self, partition: int) -> dict[str, V | None]:
        values = self._values.get(partition)
        if values is None:
            values = self._values[partition] = {}
        return values
