"""What a handler holds beside the state of its stream."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from headrace.chassis.restore import Offsets
from headrace.chassis.state import KeyedState


class OutOfStep(Exception):
    """What a companion holds is not what is before the records to handle: it must be restored."""


class Companion(Protocol):
    """Something that a handler changes, and that is not thrown away with a failed batch."""

    def settle(
        self, state: KeyedState[Any], committed: Mapping[int, Offsets], go_on: Callable[[], bool]
    ) -> bool:
        """Make it true again: the state has been restored, and nothing is fetched yet.

        Parameters
        ----------
        state
            Of the handler.
        committed
            The partitions in hand, and where the group stands in each.
        go_on
            To be called every now and then; False abandons it (the partitions were lost).

        Returns
        -------
        False where it was abandoned.
        """


class _Alone:
    def settle(self, *_: object) -> bool:
        """Do nothing: all that the handler knows is in its state."""
        return True


ALONE: Companion = _Alone()
"""For a handler that holds nothing else."""
