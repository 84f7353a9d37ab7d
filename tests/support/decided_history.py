"""A small history of decided events, correct by construction, for faults to be planted in.

Nothing here is shared with what decides in earnest, nor with what verifies.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from headrace.verification.terms import Terms

DAY_MS = 86_400_000
START_MS = 1_522_540_800_000  # 2018-04-01
PARTITIONS = 2
SCHEMAS = {
    "events": "card-fraud/Transaction",
    "decisions": "platform/DecisionMade",
    "audits": "platform/AuditRecorded",
    "dead_letters": "platform/DeadLettered",
}
_VERSIONS = {
    "charter_digest": b"c" * 32,
    "model_digest": b"m" * 32,
    "policy_version": "1",
}


@dataclass
class Written:
    """A record to be written, and once it is, where it stands."""

    partition: int
    key: str
    fields: dict[str, Any]
    value: bytes | None = None
    """Overrides the encoded fields."""
    offset: int = -1


@dataclass
class Outputs:
    """What comes of the events."""

    decisions: list[Written] = field(default_factory=list)
    audits: list[Written] = field(default_factory=list)
    dead_letters: list[Written] = field(default_factory=list)


def terms(use_case: str = "card-fraud") -> Terms:
    """The terms of the history's charter."""
    return Terms(
        use_case=use_case,
        schema=SCHEMAS["events"],
        id_field="event_id",
        key_field="card_id",
        time_field="occurred_at_ms",
        duplicate_span_ms=7 * DAY_MS,
        amount_field="amount_minor",
        currency_field="currency",
    )


def event(event_id: str, card: int, day: float, amount_minor: int = 1_000) -> Written:
    """One valid transaction."""
    return Written(
        card % PARTITIONS,
        f"card-{card}",
        {
            "event_id": event_id,
            "card_id": f"card-{card}",
            "merchant_id": "merchant-1",
            "amount_minor": amount_minor,
            "currency": "EUR" if card % 3 else "CHF",
            "occurred_at_ms": START_MS + round(day * DAY_MS),
            "distance_km": None,
        },
    )


def make_events(number: int, seed: int) -> list[Written]:
    """Valid, repeated, invalid, conflicting and unreadable transactions of a few cards."""
    chance = random.Random(seed)
    events: list[Written] = []
    for index in range(number):
        made = event(f"event-{index}", chance.randrange(8), index / 100, chance.randrange(1, 9_999))
        kind = chance.random()
        if kind < 0.05 and events:
            earlier = chance.choice(events)
            made = Written(earlier.partition, earlier.key, dict(earlier.fields), earlier.value)
        elif kind < 0.10:
            made.fields["amount_minor"] = -5
        elif kind < 0.15:
            made.value = b"\0garbage"
        elif kind < 0.20 and events:
            made.fields["event_id"] = f"conflict-{index}"
            events.append(made)
            made = Written(made.partition, made.key, made.fields | {"amount_minor": 77})
        events.append(made)
    return events


def decide(
    promised: Terms, events: Sequence[Written], encode: Callable[[str, Written], bytes | None]
) -> Outputs:
    """Decide events that have been written, in the order of each partition.

    Parameters
    ----------
    encode
        Returns the bytes of a record, given the kind of its topic.
    """
    outputs = Outputs()
    decided: dict[tuple[str, str], Written] = {}
    for made in sorted(events, key=lambda made: (made.partition, made.offset)):
        _decide_one(promised, made, encode, decided, outputs)
    return outputs


def _decide_one(
    promised: Terms,
    made: Written,
    encode: Callable[[str, Written], bytes | None],
    decided: dict[tuple[str, str], Written],
    outputs: Outputs,
) -> None:
    value = encode("events", made)
    first = decided.get((made.key, made.fields["event_id"]))
    if made.value is not None or made.fields["amount_minor"] < 0:
        reason = "bad_framing" if made.value is not None else "invalid_value"
        outputs.dead_letters.append(_dead_letter(promised, made, value, reason))
    elif first is None:
        decided[made.key, made.fields["event_id"]] = made
        decision = Written(made.partition, made.key, decision_fields(promised, made))
        outputs.decisions.append(decision)
        digest = _digest(encode("decisions", decision))
        outputs.audits.append(_audit(promised, made, value, made, decision_sha256=digest))
    elif encode("events", first) == value:
        outputs.audits.append(_audit(promised, made, value, first, first_offset=first.offset))
    else:
        outputs.dead_letters.append(_dead_letter(promised, made, value, "id_conflict"))


def _source(promised: Terms, made: Written) -> dict[str, Any]:
    return {
        "source_topic": promised.events,
        "source_partition": made.partition,
        "source_offset": made.offset,
    }


def _id(promised: Terms, made: Written) -> str:
    return f"{promised.events}:{made.partition}:{made.offset}"


def decision_fields(promised: Terms, made: Written) -> dict[str, Any]:
    """The decision about an event."""
    return {
        **_source(promised, made),
        **_VERSIONS,
        "decision_id": _id(promised, made),
        "event_id": made.fields["event_id"],
        "use_case": promised.use_case,
        "key": made.key,
        "occurred_at_ms": made.fields["occurred_at_ms"],
        "decided_at_ms": START_MS,
        "amount_minor": made.fields["amount_minor"],
        "currency": made.fields["currency"],
        "feature_set": b"f" * 32,
        "features": [1.0, 2.0],
        "model": "scorecard",
        "model_version": "1",
        "arm": "champion",
        "arm_probability": 1.0,
        "score": 0.25,
        "action": "approve",
    }


def _audit(
    promised: Terms, made: Written, value: bytes | None, first: Written, **of_kind: object
) -> Written:
    fields: dict[str, Any] = {
        **_source(promised, made),
        **_VERSIONS,
        "kind": "duplicate" if "first_offset" in of_kind else "decision",
        "use_case": promised.use_case,
        "service": "scoring",
        "event_id": made.fields["event_id"],
        "key": made.key,
        "input_sha256": _digest(value),
        "decision_id": _id(promised, first),
        "decision_sha256": None,
        "first_offset": None,
        "recorded_at_ms": START_MS,
    }
    return Written(made.partition, made.key, fields | of_kind)


def _dead_letter(promised: Terms, made: Written, value: bytes | None, reason: str) -> Written:
    fields: dict[str, Any] = {
        **_source(promised, made),
        "reason": reason,
        "detail": "",
        "service": "scoring",
        "source_timestamp_ms": START_MS,
        "key": made.key.encode(),
        "value": value,
        "headers": [],
        "dead_lettered_at_ms": START_MS,
    }
    return Written(made.partition, made.key, fields)


def _digest(value: bytes | None) -> bytes:
    return sha256(value or b"").digest()


def plainly(kind: str, record: Written) -> bytes | None:
    """Encode for tests without a broker: any bytes do, if equal records have equal ones."""
    if record.value is not None:
        return record.value
    fields: Mapping[str, Any] = record.fields
    return repr((kind, sorted(fields.items()))).encode()
