"""Keeping the monitors beside the stream's state: written there, and had again from there."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from headrace.chassis.companion import OutOfStep
from headrace.chassis.restore import Offsets
from headrace.chassis.state import KeyedState, View
from headrace.drift.state import Slots
from headrace.drift.watch import OUTCOMES, Watch

_PARTITION = 0


class Watching:
    """Holds the monitors (a ``Companion`` of the stream).

    A batch changes them where they are. Where it is not committed, they are made anew from what
    was: the position of each input says so.

    Parameters
    ----------
    new
        Makes monitors that have seen nothing.
    """

    def __init__(self, new: Callable[[], Watch]) -> None:
        self._new = new
        self._watch: Watch | None = None
        self._positions: list[int] = []

    def settle(
        self, state: KeyedState[Any], committed: Mapping[int, Offsets], _go_on: Callable[[], bool]
    ) -> bool:
        """Make them what they were when the group came to where it stands."""
        if _PARTITION not in committed:
            self._watch = None
            return True
        positions = [max(each, 0) for each in committed[_PARTITION]]
        watch = self._new()
        kept = state.of(_PARTITION)
        for key in sorted(kept, key=lambda each: each != OUTCOMES):
            bodies = kept[key].bodies
            watch.restore(key, {slot: orjson.loads(body) for slot, body in bodies.items()})
        self._watch, self._positions = watch, positions
        return True

    def at(self, number: int, first: int, last: int) -> Watch:
        """Return the monitors for records of an input, which must be the next.

        Raises
        ------
        OutOfStep
            They have seen these records before.
        """
        assert self._watch is not None  # noqa: S101 -- nothing is handled before it is settled
        if first < self._positions[number]:
            raise OutOfStep(f"offset {first} of input {number} was looked at before")
        self._positions[number] = last + 1
        return self._watch

    def write(self, view: View[Slots], offset: int) -> None:
        """Write what has changed."""
        assert self._watch is not None  # noqa: S101 -- whoever calls has had it
        for key in sorted(self._watch.touched):
            held = view.get(_PARTITION, key)
            for slot, parts in self._watch.kept[key].slots().items():
                body = orjson.dumps(parts, default=_plain)
                held.bodies[slot] = body
                view.change(_PARTITION, key, slot, offset, body)
        self._watch.touched.clear()


def _plain(value: object) -> list[object]:
    """Return a named tuple, which orjson does not write, as a list."""
    if isinstance(value, tuple):
        return list(value)
    raise TypeError(f"{type(value).__name__} is no part of a state")
