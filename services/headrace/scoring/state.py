"""The state of scoring: the history of each key, and the reviews of each partition."""

from typing import Final, cast

from headrace.chassis.state import View
from headrace.usecase.history import HistoryFormat, KeyHistory
from headrace.usecase.reviews import RESERVED_KEY, Reviews

State = KeyHistory | Reviews
_WITH_REVIEWS: Final = 2
"""A bit of the version: before, there were histories alone."""


class ScoringFormat:
    """How the state's values are made, copied and restored (a ``Format`` of the chassis)."""

    def __init__(self, histories: HistoryFormat) -> None:
        self._histories = histories
        self.version = histories.version ^ _WITH_REVIEWS
        self.forgets = False

    def empty(self, key: str) -> State:
        """Return the value of a key never seen."""
        return Reviews() if key == RESERVED_KEY else self._histories.empty()

    def copy(self, value: State) -> State:
        """Return a copy that changes nothing in ``value``, nor is changed with it."""
        return value.copy()

    def apply(self, value: State, slot: int, body: bytes) -> None:
        """Restore one change."""
        value.restore(slot, body)


def reviews_of(view: View[State], partition: int) -> Reviews:
    """Return the reviews of a partition."""
    return cast("Reviews", view.get(partition, RESERVED_KEY))
