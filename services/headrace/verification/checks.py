"""What is checked, and what was found."""

from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

Check = Literal[
    "no-event-lost",
    "none-pending",
    "one-fate",
    "fate-has-event",
    "one-decision-per-id",
    "one-key-per-id",
    "duplicate-names-first",
    "dead-letter-whole",
    "dead-letter-reason",
    "decision-agrees",
    "decision-audited",
    "audit-has-decision",
    "audit-agrees",
    "audit-input-digest",
    "audit-decision-digest",
    "input-order",
    "committed-only",
    "outputs-readable",
    "counts-balance",
    "amounts-balance",
]
CHECKS: tuple[Check, ...] = get_args(Check)

PROMISES: dict[Check, str] = {
    "no-event-lost": "an event before the committed offset has a decision, a duplicate's audit "
    "record or a dead letter",
    "none-pending": "every event has been processed",
    "one-fate": "an event has one fate, once",
    "fate-has-event": "a decision, an audit record or a dead letter refers to an event",
    "one-decision-per-id": "an event id is decided once within the charter's duplicate span",
    "one-key-per-id": "an event id is decided under one key",
    "duplicate-names-first": "a duplicate names the decided event with the same id and bytes",
    "dead-letter-whole": "a dead letter holds the event's key and value",
    "dead-letter-reason": "an event is dead-lettered as unreadable only if it is",
    "decision-agrees": "a decision repeats its event's id, key, time and amount",
    "decision-audited": "a decision has an audit record",
    "audit-has-decision": "an audit record of a decision has that decision, and is the only one",
    "audit-agrees": "an audit record repeats its event's id and key and its decision's versions",
    "audit-input-digest": "an audit record holds the digest of the event's bytes",
    "audit-decision-digest": "an audit record holds the digest of the decision's bytes",
    "input-order": "the decisions of a key stand in the order of its events",
    "committed-only": "no output refers to input that is not committed",
    "outputs-readable": "every decision, audit record and dead letter can be read",
    "counts-balance": "readable events = decisions + duplicates + dead letters",
    "amounts-balance": "and so do their amounts, in each currency",
}


class Place(NamedTuple):
    """Where a record stands."""

    topic: str
    partition: int | None = None
    offset: int | None = None
    """Both None for what is a property of a whole topic."""
    event_id: str = ""


class Offender(NamedTuple):
    """A record that breaks a promise."""

    place: Place
    expected: str
    found: str


class Findings:
    """Counts the offenders of each check, and keeps the first: lowest partition, then offset."""

    def __init__(self) -> None:
        self.counts: dict[Check, int] = dict.fromkeys(CHECKS, 0)
        self.first: dict[Check, Offender] = {}

    def add(self, check: Check, place: Place, expected: object, found: object) -> None:
        """Count an offender."""
        self.counts[check] += 1
        first = self.first.get(check)
        if first is None or _position(place) < _position(first.place):
            self.first[check] = Offender(place, str(expected), str(found))


def _position(place: Place) -> tuple[str, int, int]:
    return place.topic, place.partition or 0, place.offset or 0


def differing(expected: Mapping[str, object], found: Mapping[str, object]) -> tuple[str, str]:
    """Return what is expected and what was found, where they differ."""
    names = [name for name in expected if expected[name] != found[name]]
    return (
        ", ".join(f"{name} {shown(expected[name])}" for name in names),
        ", ".join(f"{name} {shown(found[name])}" for name in names),
    )


def shown(value: object) -> str:
    """Return a value as a person reads it: bytes as text where they are text."""
    if not isinstance(value, bytes):
        return repr(value)
    try:
        return repr(value.decode())
    except UnicodeDecodeError:
        return value.hex()
