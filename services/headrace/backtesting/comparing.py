"""Decisions of a live run beside the same ones decided again: what is the same, and what is not."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

Incomparable = Literal[
    "other_charter",  # decided by another version of the charter
    "events_gone",  # events of its partition are no longer kept, so its windows cannot be known
    "no_event",  # its own event is not there
    "decision_gone",  # an event whose decision may be no longer kept
    "no_model",  # the model that it names is not there, or cannot be trusted any more
    "model_failed",  # the rules decided for a model that is not named
    "lists_changed",  # its event's entities were put on lists, or taken off, since
    "reviews_unknown",  # it hangs on the day's reviews, one of which cannot be compared
    "unreadable",  # nobody can read the decision
]
"""Why a decision cannot be compared."""

BY_RUN: Final[Mapping[str, str]] = {
    "decided_at_ms": "the clock is set to it",
    "trace_id": "each run has traces of its own",
}
"""The fields that need not be the same, and why."""
DECIDED: Final = "decided"
"""Stands for a field: whether there is a decision at all."""
_EXAMPLES: Final = 5


class Difference(NamedTuple):
    """A field that is not the same."""

    event_id: str
    field: str
    live: Any
    again: Any


@dataclass
class Comparison:
    """What came of comparing decisions."""

    same: int = 0
    different: int = 0
    fields: Counter[str] = field(default_factory=Counter)
    """How many decisions differ, by field."""
    examples: list[Difference] = field(default_factory=list)
    """The first few."""
    incomparable: Counter[Incomparable] = field(default_factory=Counter)
    """How many decisions were not compared, by why not."""

    @property
    def compared(self) -> int:
        """How many decisions were compared."""
        return self.same + self.different

    def take(self, event_id: str, found: Mapping[str, tuple[Any, Any]]) -> None:
        """Take in the differences of a decision, by field; none, where it is the same."""
        if not found:
            self.same += 1
            return
        self.different += 1
        self.fields.update(found.keys())
        room = max(0, _EXAMPLES - len(self.examples))
        some = [*found.items()][:room]
        self.examples += [Difference(event_id, name, *values) for name, values in some]


def differences(live: Mapping[str, Any], again: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the fields that are not the same, floats to the last bit, but for ``BY_RUN``."""
    return {
        name: (live[name], value)
        for name, value in again.items()
        if name not in BY_RUN and not _is_same(live[name], value)
    }


def _is_same(one: Any, other: Any) -> bool:
    # Texts, as NaN is not equal to itself, and 0.0 is equal to -0.0.
    return type(one) is type(other) and repr(one) == repr(other)
