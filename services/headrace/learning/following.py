"""Bringing what was learned to where the group stands: the companion of the stream's state."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from headrace.chassis.restore import Offsets
from headrace.chassis.state import KeyedState
from headrace.errors import HeadraceError
from headrace.learning.snapshots import KEY, Snapshots, Unfit
from headrace.learning.standing import Standing, take_or_fault

_log = logging.getLogger("headrace.learning")
_PARTITION = 0
_TOLD_EVERY = 10_000


class Past(NamedTuple):
    """An outcome that was committed before."""

    offset: int
    record: Mapping[str, Any]


class Following:
    """What was learned, and how to have it again.

    Parameters
    ----------
    new
        Makes what has learned nothing.
    snapshots
        Reads what the state holds.
    history
        Reads the outcomes of a span of offsets again; may yield nothing now and then, so that
        other things are looked after.
    """

    def __init__(
        self,
        new: Callable[[], Standing],
        snapshots: Snapshots,
        history: Callable[[range], Iterator[Sequence[Past]]],
    ) -> None:
        self._new = new
        self._snapshots = snapshots
        self._history = history
        self._standing: Standing | None = None

    @property
    def standing(self) -> Standing:
        """What was learned from the outcomes handled so far."""
        assert self._standing is not None  # noqa: S101 -- nothing is handled before it is settled
        return self._standing

    def settle(
        self, state: KeyedState[Any], committed: Mapping[int, Offsets], go_on: Callable[[], bool]
    ) -> bool:
        """Fold in silence up to the committed offset, from a snapshot where that is before it."""
        if _PARTITION not in committed:
            self._standing = None
            return True
        (target,) = committed[_PARTITION]
        target = max(target, 0)
        standing = self._standing
        if standing is None or standing.position > target:
            standing = self._restored(state, target)
        self._standing = None
        began = standing.position
        for batch in self._history(range(began, target)):
            if not go_on():
                return False
            for offset, record in batch:
                take_or_fault(standing, record, offset)
                if (offset - began + 1) % _TOLD_EVERY == 0:
                    _log.info("learned again up to offset %d of %d", offset + 1, target)
        standing.position = target
        self._standing = standing
        if target:
            digest = standing.digest().hex()
            _log.info("what was learned up to offset %d has the digest %s", target, digest)
        return True

    def _restored(self, state: KeyedState[Any], target: int) -> Standing:
        held = state.of(_PARTITION).get(KEY)
        try:
            standing = self._snapshots.read({} if held is None else held.parts)
        except Unfit as unfit:
            if target:
                _log.warning("learning anew from the first outcome: %s", unfit)
            return self._new()
        if standing.position > target:
            raise HeadraceError(
                f"The snapshot reflects outcomes up to offset {standing.position}, past the "
                f"committed offset {target}.",
                fix="The group's offsets were moved back: set them to where they stood.",
            )
        return standing
