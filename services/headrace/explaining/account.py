"""What became of one event: every record that carries its id, and what was done with each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal, NamedTuple

from headrace.explaining import words
from headrace.explaining.records import Place
from headrace.usecase.charter import Charter

Fate = Literal["decided", "duplicate", "dead letter", "waiting"]


class Feature(NamedTuple):
    """One number that the model saw."""

    name: str
    value: float
    contribution: float | None
    """What it added to the score's logit; None where the rules decided."""


@dataclass
class Arrival:
    """One record that carries the id, and its fate."""

    place: Place
    fate: Fate
    arrived_at_ms: int | None = None
    """Kafka's timestamp; None where the record is no longer kept."""
    value: bytes | None = None
    record: dict[str, Any] | None = None
    """The event; None where it is no longer kept, or unreadable."""
    audit: dict[str, Any] | None = None
    decision: dict[str, Any] | None = None
    decision_value: bytes | None = None
    letter: dict[str, Any] | None = None
    letter_place: Place | None = None
    replay: dict[str, Any] | None = None
    """The ``ReplayRequested`` that brought it."""

    @property
    def input_matches(self) -> bool | None:
        """Whether the audit record's digest is that of the event; None where one is missing."""
        if self.audit is None or self.value is None:
            return None
        return bool(self.audit["input_sha256"] == sha256(self.value).digest())

    @property
    def decision_matches(self) -> bool | None:
        """Whether the audit record's digest is that of the decision; None where one is missing."""
        if self.audit is None or self.decision_value is None:
            return None
        return bool(self.audit["decision_sha256"] == sha256(self.decision_value).digest())

    @property
    def is_proven(self) -> bool:
        """Tell whether no digest contradicts, and no decision is missing beside a kept event.

        Both topics keep their records equally long, so with the event gone, its decision may be.
        """
        if self.fate == "decided" and self.decision is None and self.value is not None:
            return False
        return self.input_matches is not False and self.decision_matches is not False


@dataclass
class Account:
    """All that is known of one event."""

    charter: Charter
    event_id: str
    arrivals: list[Arrival] = field(default_factory=list)
    """In the order of their partition."""

    @property
    def decided(self) -> list[Arrival]:
        """Return the arrivals that were decided: one, where all is well."""
        return [each for each in self.arrivals if each.fate == "decided"]

    @property
    def is_proven(self) -> bool:
        """Tell whether nothing that was found contradicts another."""
        return all(each.is_proven for each in self.arrivals)

    def features(self, decision: Mapping[str, Any]) -> list[Feature]:
        """Return what the model saw, the weightiest first; in the vector's order without weights.

        Names are the charter's, where the decision was made with its feature set.
        """
        vector, added = decision["features"], decision["contributions"]
        declared = self.charter.feature_set
        known = decision["feature_set"] == declared.digest
        names = declared.names if known else [f"feature {n + 1}" for n in range(len(vector))]
        weights = [*added, *[None] * (len(vector) - len(added))]
        found = [Feature(*each) for each in zip(names, vector, weights, strict=True)]
        return sorted(found, key=lambda each: -abs(each.contribution or 0.0))

    def sentence(self) -> str:
        """Return what one may say of it on the phone."""
        said = [self._decided(each) for each in self.decided]
        said += [self._dead(each) for each in self.arrivals if each.fate == "dead letter"]
        said += [self._waiting(each) for each in self.arrivals if each.fate == "waiting"]
        repeated = sum(each.fate == "duplicate" for each in self.arrivals)
        if repeated:
            said.append(
                f"It was sent {words.times(repeated)}, which was recognised as a "
                "duplicate and not decided again."
            )
        if not self.is_proven:
            said.append("What is kept of it DOES NOT MATCH: see the audit record.")
        return " ".join(said)

    def _decided(self, arrival: Arrival) -> str:
        decision = arrival.decision
        if decision is None:
            return f"{self._event(arrival)} was decided, and the decision is no longer kept."
        return words.decision_in_words(self._event(arrival), decision)

    def _dead(self, arrival: Arrival) -> str:
        letter = arrival.letter or {}
        event = self._event(arrival)
        if arrival.record is None:
            event = f"A record that holds this id, at {arrival.place},"
        elif self.decided:
            event = f"Another record of it, at {arrival.place},"
        return words.dead_letter_in_words(event, letter)

    def _waiting(self, arrival: Arrival) -> str:
        return f"{self._event(arrival)} waits for its decision."

    def _event(self, arrival: Arrival) -> str:
        if arrival.record is not None:
            return words.event_in_words(self.charter, arrival.record)
        if arrival.decision is not None:
            return words.event_of_decision(self.charter, arrival.decision)
        return "A record that holds this id"

    def as_json(self) -> dict[str, Any]:
        """Return all of it, for machines."""
        return {
            "event_id": self.event_id,
            "use_case": self.charter.name,
            "sentence": self.sentence(),
            "proven": self.is_proven,
            "arrivals": [self._arrival(each) for each in self.arrivals],
        }

    def _arrival(self, arrival: Arrival) -> dict[str, Any]:
        decision = arrival.decision
        return {
            "partition": arrival.place.partition,
            "offset": arrival.place.offset,
            "fate": arrival.fate,
            "arrived_at_ms": arrival.arrived_at_ms,
            "event": arrival.record,
            "features": [each._asdict() for each in (self.features(decision) if decision else ())],
            "decision": decision,
            "audit": arrival.audit,
            "input_matches": arrival.input_matches,
            "decision_matches": arrival.decision_matches,
            "charter_is_this": decision and decision["charter_digest"] == self.charter.digest,
            "dead_letter": arrival.letter and {**arrival.letter, "place": arrival.letter_place},
            "replay": arrival.replay,
        }


def in_order(arrivals: Sequence[Arrival]) -> list[Arrival]:
    """Return arrivals in the order of their places."""
    return sorted(arrivals, key=lambda each: each.place)
