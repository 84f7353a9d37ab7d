"""The state of labelling: what is known of each event, and the watermarks of each partition."""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, cast

import orjson

from headrace.chassis.state import View
from headrace.labelling.domain import Case, Decision, Label, Verdict
from headrace.labelling.watermarks import Watermarks
from headrace.usecase.policy import BY_SEVERITY

TIME_KEY: Final = "\0time"
"""The key of a partition's state under which its watermarks stand; no event's begins so."""
DECISION: Final = 0
KNOWN: Final = 1
"""Slots: the decision, once; and all that changes."""
_HEAD = struct.Struct("<qB?")


class Kept(NamedTuple):
    """A label's record as it came: what its dead letter needs, should its event never come."""

    offset: int
    timestamp_ms: int
    value: bytes


@dataclass(slots=True)
class Waiting:
    """An event that is waited for, or that was decided and may still be spoken of."""

    case: Case = field(default_factory=Case)
    decision: bytes = b""
    """The decision's record, as it was read."""
    outcomes: int = 0
    """How many outcomes there were of it."""
    kept: dict[str, Kept] = field(default_factory=dict)
    """By source, as long as there is no decision."""

    def copy(self) -> "Waiting":
        """Return a copy that shares nothing mutable."""
        case = Case(self.case.decided, dict(self.case.labels), self.case.told)
        return Waiting(case, self.decision, self.outcomes, dict(self.kept))

    def decision_body(self) -> bytes:
        """Return the body of the slot ``DECISION``."""
        decided = self.case.decided
        assert decided is not None  # noqa: S101 -- whoever writes the slot has just decided
        return _HEAD.pack(decided.at_ms, BY_SEVERITY.index(decided.action), decided.acted) + (
            self.decision
        )

    def known_body(self) -> bytes:
        """Return the body of the slot ``KNOWN``."""
        kept = {
            source: [each.offset, each.timestamp_ms, each.value.hex()]
            for source, each in self.kept.items()
        }
        labels = [tuple(label) for label in self.case.labels.values()]
        told = None if self.case.told is None else tuple(self.case.told)
        return orjson.dumps([labels, told, self.outcomes, kept])

    def restore(self, slot: int, body: bytes) -> None:
        """Take a slot's body."""
        if slot == DECISION:
            at_ms, severity, acted = _HEAD.unpack_from(body)
            self.case.decided = Decision(BY_SEVERITY[severity], acted, at_ms)
            self.decision = body[_HEAD.size :]
            return
        labels, told, self.outcomes, kept = orjson.loads(body)
        self.case.labels = {each[0]: Label(*each) for each in labels}
        self.case.told = None if told is None else Verdict(*told)
        self.kept = {
            source: Kept(offset, timestamp_ms, bytes.fromhex(value))
            for source, (offset, timestamp_ms, value) in kept.items()
        }


State = Waiting | Watermarks


def key_of(key: str, event_id: str) -> str:
    """Return under which key of the state an event stands: its id is unique under its own key."""
    return f"{key}\0{event_id}"


def time_body(times: Watermarks) -> bytes:
    """Return the body of the only slot of ``TIME_KEY``."""
    return orjson.dumps([times.decisions_ms, list(times.sources_ms.items())])


class LabellingFormat:
    """How the state's values are made, copied and restored (a ``Format`` of the chassis)."""

    version = 1
    forgets = True

    def empty(self, key: str) -> State:
        """Return the value of a key never seen."""
        return Watermarks() if key == TIME_KEY else Waiting()

    def copy(self, value: State) -> State:
        """Return a copy that changes nothing in ``value``, nor is changed with it."""
        return value.copy()

    def apply(self, value: State, slot: int, body: bytes) -> None:
        """Restore one change."""
        if isinstance(value, Waiting):
            value.restore(slot, body)
            return
        decisions_ms, sources = cast("tuple[int, list[Any]]", orjson.loads(body))
        value.decisions_ms = decisions_ms
        value.restore(map(tuple, sources))


def waiting_of(view: View[State]) -> Callable[[int, str], Waiting]:
    """Return what gives an event of a partition, by its key of the state."""
    return cast("Callable[[int, str], Waiting]", view.get)


def watermarks_of(view: View[State], partition: int) -> Watermarks:
    """Return the watermarks of a partition."""
    return cast("Watermarks", view.get(partition, TIME_KEY))
