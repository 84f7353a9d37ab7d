"""What the checks of decisions, audit records and dead letters share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from headrace.verification.balance import Balance, Side
from headrace.verification.checks import Findings, Place
from headrace.verification.history import DEAD, DECIDED, FATES, Events
from headrace.verification.terms import Terms


class Observed(NamedTuple):
    """A record as it was read."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    fields: Mapping[str, Any] | None
    """The value decoded, None where it is unreadable."""
    problem: str = ""
    """Why it is unreadable."""


class Found(NamedTuple):
    """The event that an output refers to."""

    events: Events
    row: int
    source: str
    """``topic:partition:offset``, which is also the id of its decision."""


class Output(NamedTuple):
    """An output that refers to input past the settled offset, kept until the end."""

    place: Place
    source_partition: int
    source_offset: int


@dataclass(slots=True)
class Books:
    """The events so far, and what was found.

    Parameters
    ----------
    begins
        For each partition of the events, the first offset whose outputs are all still kept.
    settled
        For each partition, the committed offset before any topic's end was looked up: every
        output of the events before it stands in what is read.
    """

    terms: Terms
    begins: Mapping[int, int]
    settled: Mapping[int, int]
    history: dict[int, Events] = field(default_factory=dict)
    findings: Findings = field(default_factory=Findings)
    balance: Balance = field(default_factory=Balance)
    unsettled: list[Output] = field(default_factory=list)
    outputs: int = 0
    older: int = 0
    """Records that are not judged, because what belongs to them is no longer kept."""

    def readable(self, topic: str, record: Observed) -> Mapping[str, Any] | None:
        """Count an output and return its fields; an unreadable one is a finding."""
        self.outputs += 1
        if record.fields is None:
            place = Place(topic, record.partition, record.offset)
            self.findings.add("outputs-readable", place, "a readable record", record.problem)
        return record.fields

    def find(
        self, topic: str, record: Observed, fields: Mapping[str, Any], side: Side | None
    ) -> Found | None:
        """Return the event of an output; None where there is none, or it is not to be judged.

        Parameters
        ----------
        side
            Where the balance counts an output that has no event.
        """
        partition, offset = fields["source_partition"], fields["source_offset"]
        source = f"{fields['source_topic']}:{partition}:{offset}"
        if fields["source_topic"] == self.terms.events:
            if offset < self.begins.get(partition, 0):
                self.older += 1
                return None
            if offset >= self.settled.get(partition, 0):
                self.unsettled.append(Output(place(topic, record), partition, offset))
                return None
            events = self.history.get(partition)
            row = None if events is None else events.row(offset)
            if events is not None and row is not None:
                return Found(events, row, source)
        self.findings.add("fate-has-event", place(topic, record), f"an event at {source}", "none")
        if side is not None:
            side.add(fields.get("amount_minor"), fields.get("currency"))
        return None

    def mark(self, topic: str, record: Observed, found: Found, fate: int) -> None:
        """Give the event a fate; a second one is a finding."""
        flags = found.events.flags[found.row]
        if flags & FATES:
            self.findings.add(
                "one-fate",
                place(topic, record),
                f"{_name(flags)} alone for {found.source}",
                f"also {_name(fate)}",
            )
        found.events.flags[found.row] = flags | fate


def place(topic: str, record: Observed) -> Place:
    """Return where an output stands and which event it names."""
    event_id = record.fields.get("event_id", "") if record.fields else ""
    return Place(topic, record.partition, record.offset, event_id)


def _name(flags: int) -> str:
    if flags & DECIDED:
        return "a decision"
    return "a dead letter" if flags & DEAD else "a duplicate's audit record"
