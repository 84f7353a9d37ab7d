"""Finding every record that carries an event's id in the topics of its use case."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from headrace.chassis.batch import Fetched
from headrace.chassis.topology import Channel
from headrace.chassis.wiring import Wiring
from headrace.contracts.codec import Undecodable
from headrace.contracts.topics import TopicSpec
from headrace.contracts.varint import encode_long
from headrace.explaining.account import Account, Arrival, in_order
from headrace.explaining.letters import Letter, letters_of
from headrace.explaining.records import Place, TopicReader, place_of
from headrace.usecase.charter import Charter


class Finder:
    """Looks for events of one use case.

    No topic has an index of ids, so audit records and dead letters are read from the first to
    the last. What does not hold the id's bytes is not decoded; decisions are read in the event's
    partition only; and the events themselves where they stand.
    """

    def __init__(
        self,
        charter: Charter,
        topics: dict[str, TopicSpec],
        wiring: Wiring,
        reader: TopicReader,
    ) -> None:
        self._charter = charter
        self._topics = topics
        self._wiring = wiring
        self._reader = reader
        self._events = self._channel("events")

    def find(self, event_id: str) -> Account:
        """Return what is known of an event: no arrivals where it is unknown."""
        arrivals = [*self._audited(event_id), *self._dead(event_id)]
        if not arrivals:
            arrivals = [*self._waiting(event_id)]
        self._add_replays(arrivals)
        return Account(self._charter, event_id, in_order(arrivals))

    def _audited(self, event_id: str) -> Iterator[Arrival]:
        audits = [each for _, each in self._with("audits", event_id)]
        partitions = sorted({each["source_partition"] for each in audits})
        decisions = {
            Place(each["source_partition"], each["source_offset"]): (message, each)
            for message, each in (self._with("decisions", event_id, partitions) if audits else ())
        }
        for audit in audits:
            place = Place(audit["source_partition"], audit["source_offset"])
            is_first = audit["kind"] == "decision"
            arrival = Arrival(place, "decided" if is_first else "duplicate", audit=audit)
            if is_first and place in decisions:
                message, arrival.decision = decisions[place]
                arrival.decision_value = message.value()
            event = self._reader.at(self._spec("events"), place)
            if event is not None:
                self._take(arrival, event)
            yield arrival

    def _dead(self, event_id: str) -> Iterator[Arrival]:
        needle, channel = event_id.encode(), self._channel("events.dlq")
        messages = self._holding("events.dlq", needle)
        for letter in letters_of(messages, channel):
            record, value = self._event(letter.record["value"]), letter.record["value"]
            known = event_id if record is None else record[self._charter.events.id]
            if known == event_id and (record is not None or names_id(value or b"", needle)):
                yield _of_letter(letter, record)

    def _waiting(self, event_id: str) -> Iterator[Arrival]:
        for message in self._holding("events", event_id.encode()):
            record = self._event(message.value())
            if record is not None and record[self._charter.events.id] == event_id:
                arrival = Arrival(place_of(message), "waiting")
                self._take(arrival, message)
                yield arrival

    def _add_replays(self, arrivals: Sequence[Arrival]) -> None:
        if not arrivals:
            return
        channel = self._channel("replays")
        by_place = {
            Place(each["source_partition"], each["replayed_offset"]): each
            for each in _decoded(self._reader.all(self._spec("replays")), channel.decode)
        }
        for arrival in arrivals:
            arrival.replay = by_place.get(arrival.place)

    def _take(self, arrival: Arrival, event: Fetched) -> None:
        arrival.value = event.value()
        arrival.record = self._event(arrival.value)
        _, arrival.arrived_at_ms = event.timestamp()

    def _event(self, value: bytes | None) -> dict[str, Any] | None:
        try:
            return self._events.decode(value)
        except Undecodable:
            return None

    def _with(
        self, plural: str, event_id: str, partitions: Sequence[int] | None = None
    ) -> Iterator[tuple[Fetched, dict[str, Any]]]:
        """Yield a topic's records about an event."""
        decode = self._channel(plural).decode
        for message in self._holding(plural, event_id.encode(), partitions):
            for record in _decoded([message], decode):
                if record["event_id"] == event_id:
                    yield message, record

    def _holding(
        self, plural: str, needle: bytes, partitions: Sequence[int] | None = None
    ) -> Iterator[Fetched]:
        for message in self._reader.all(self._spec(plural), partitions):
            if needle in (message.value() or b""):
                yield message

    def _spec(self, plural: str) -> TopicSpec:
        return self._topics[f"{self._charter.name}.{plural}"]

    def _channel(self, plural: str) -> Channel:
        return self._wiring.channel(f"{self._charter.name}.{plural}")


def names_id(value: bytes, needle: bytes) -> bool:
    """Tell whether unreadable bytes hold an id: as Avro writes it, or as a word of its own."""
    word = rb"(?<![\w-])" + re.escape(needle) + rb"(?![\w-])"
    return encode_long(len(needle)) + needle in value or re.search(word, value) is not None


def _of_letter(letter: Letter, record: dict[str, Any] | None) -> Arrival:
    about = letter.record
    return Arrival(
        Place(about["source_partition"], about["source_offset"]),
        "dead letter",
        arrived_at_ms=about["source_timestamp_ms"],
        value=about["value"],
        record=record,
        letter=about,
        letter_place=letter.place,
    )


def _decoded(
    messages: Iterator[Fetched] | Sequence[Fetched],
    decode: Callable[[bytes | None], dict[str, Any]],
) -> Iterator[dict[str, Any]]:
    for message in messages:
        try:
            yield decode(message.value())
        except Undecodable:  # none of ours; `headrace verify` tells
            continue
