"""Deciding batches: one decision for each valid event, and why not for the others."""

import math
import random
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.chassis.state import KeyedState
from headrace.contracts.codec import Encoder
from headrace.contracts.schemas import load_schema
from headrace.models.frozen import FrozenModel
from headrace.usecase.charter import Charter
from headrace.usecase.history import KeyHistory
from headrace.usecase.reviews import Reviews
from support.desk import (
    DAY_MS,
    MINUTE_MS,
    NO_DIGEST,
    NOW_MS,
    TOPIC,
    Desk,
    Saying,
    charter_with,
    received,
    replaced,
    scorecard_of,
)


@pytest.fixture(scope="module")
def charter() -> Charter:
    return charter_with()


@pytest.fixture(scope="module")
def model(charter) -> FrozenModel:
    return scorecard_of(charter)


@pytest.fixture
def desk(charter, model) -> Desk:
    return Desk(charter, model)


def by_key(state: KeyedState) -> dict:
    return {(partition, key): value for partition, key, value in state}


def of_feature(decision, name: str) -> float:
    return decision["features"][charter_with().feature_set.names.index(name)]


def decision_of(decided):
    ((decision, _),) = decided.recorded
    return decision


def test_a_valid_event_has_one_decision_and_its_audit(desk, charter, model) -> None:
    event = received(7)
    decided = desk.decide(event)
    ((decision, audit),) = decided.recorded
    assert decided.rejected == []
    assert decision == {
        "decision_id": "card-fraud.events:0:7",
        "event_id": "e-0-7",
        "use_case": "card-fraud",
        "key": "card-1",
        "source_topic": TOPIC,
        "source_partition": 0,
        "source_offset": 7,
        "occurred_at_ms": event.record["occurred_at_ms"],
        "decided_at_ms": NOW_MS,
        "amount_minor": 4_200,
        "currency": "EUR",
        "charter_digest": charter.digest,
        "feature_set": charter.feature_set.digest,
        "features": decision["features"],
        "model": "expert-scorecard",
        "model_version": "1",
        "model_digest": model.digest,
        "arm": "champion",
        "arm_probability": 1.0,
        "score": decision["score"],
        "policy_version": "1",
        "action": "approve",
        "rule_hits": [],
        "reasons": [],
        "late": False,
        "reason_codes": [],
        "contributions": decision["contributions"],
        "expected_cost_minor": round(decision["score"] * (4_200 + 2_000)),
        "stage": "live",
        "acted": True,
        "deadline_missed": False,
        "fallback": "",
        "trace_id": "",
        "profile_keys": [],
    }
    scored = model.score(np.array([decision["features"]]))
    assert scored.scores.tolist() == [decision["score"]]
    assert scored.contributions.tolist() == [decision["contributions"]]
    assert audit == {
        "kind": "decision",
        "use_case": "card-fraud",
        "service": "scoring",
        "event_id": "e-0-7",
        "key": "card-1",
        "source_topic": TOPIC,
        "source_partition": 0,
        "source_offset": 7,
        "input_sha256": sha256(event.value).digest(),
        "decision_id": "card-fraud.events:0:7",
        "decision_sha256": NO_DIGEST,
        "first_offset": None,
        "model_digest": model.digest,
        "charter_digest": charter.digest,
        "policy_version": "1",
        "recorded_at_ms": NOW_MS,
    }


def test_decisions_and_audits_have_exactly_the_fields_of_their_schemas(desk) -> None:
    (decision, audit), (_, duplicate_audit) = desk.decide(received(0), received(0)).recorded
    for name, record in (
        ("DecisionMade", decision),
        ("AuditRecorded", audit),
        ("AuditRecorded", duplicate_audit),
    ):
        schema = load_schema(f"platform/{name}")
        assert set(record) == {field["name"] for field in schema["fields"]}
        Encoder(schema, 1)(record)


def test_events_of_a_key_see_each_other_within_a_batch(desk) -> None:
    batch = [received(offset, amount_minor=100 * (offset + 1)) for offset in range(3)]
    seen = [
        (of_feature(decision, "card_count_1d"), of_feature(decision, "card_mean_minor_1d"))
        for decision in desk.decisions(*batch)
    ]
    assert seen == [(1.0, 100.0), (2.0, 150.0), (3.0, 200.0)]


def test_keys_and_partitions_do_not_see_each_other(desk) -> None:
    others = [received(0), received(1, card_id="card-2"), received(0, partition=1)]
    counts = [of_feature(decision, "card_count_1d") for decision in desk.decisions(*others)]
    assert counts == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("together", [True, False])
def test_a_duplicate_makes_no_second_decision_and_moves_no_window(desk, together) -> None:
    first, again = received(3), replaced(received(4), value=received(3).value)
    again = replaced(again, record=first.record)
    if together:
        _, (decision, audit) = desk.decide(first, again).recorded
    else:
        desk.decide(first)
        ((decision, audit),) = desk.decide(again).recorded
    assert decision is None
    assert audit["kind"] == "duplicate"
    assert audit["source_offset"] == 4
    assert audit["first_offset"] == 3
    assert audit["decision_id"] == "card-fraud.events:0:3"
    assert audit["decision_sha256"] is None
    assert audit["input_sha256"] == sha256(first.value).digest()
    assert [change.offset for change in desk.changes] == [3]
    assert of_feature(desk.decision(received(5)), "card_count_1d") == 2.0


def test_the_same_id_with_another_payload_is_rejected_and_names_the_first(desk) -> None:
    desk.decide(received(3))
    decided = desk.decide(received(4, event_id="e-0-3"))
    assert decided.recorded == []
    ((rejected_event, reason, detail),) = decided.rejected
    assert rejected_event.offset == 4
    assert (reason, detail) == ("id_conflict", "e-0-3 is at offset 3 with another payload")
    assert [change.offset for change in desk.changes] == [3]


def test_an_id_beyond_the_duplicate_span_is_another_event(desk) -> None:
    desk.decide(received(0, occurred_at_ms=NOW_MS - 7 * DAY_MS))
    again = desk.decide(received(1, event_id="e-0-0", occurred_at_ms=NOW_MS))
    assert decision_of(again)["source_offset"] == 1


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"amount_minor": -1}, "invalid_value"),
        ({"amount_minor": 10**12}, "invalid_value"),
        ({"currency": "DEM"}, "invalid_value"),
        ({"distance_km": math.nan}, "invalid_value"),
        ({"distance_km": math.inf}, "invalid_value"),
        ({"event_id": ""}, "invalid_value"),
        ({"occurred_at_ms": NOW_MS + 5 * MINUTE_MS + 1}, "future"),
        ({"key": "card-2"}, "key_mismatch"),
        ({"card_id": "\0reviews"}, "invalid_value"),
    ],
)
def test_a_fault_is_rejected_and_leaves_no_trace(desk, fields, reason) -> None:
    decided = desk.decide(received(0, **fields))
    assert decided.recorded == []
    assert [rejected.reason for rejected in decided.rejected] == [reason]
    assert desk.changes == []
    assert len(desk.state) == 0


def test_an_event_later_than_the_lateness_is_decided_and_flagged(desk) -> None:
    desk.decide(received(0, occurred_at_ms=NOW_MS))
    punctual = desk.decide(received(1, occurred_at_ms=NOW_MS - DAY_MS))
    late = desk.decide(received(2, occurred_at_ms=NOW_MS - DAY_MS - 1))
    assert decision_of(punctual)["late"] is False
    assert decision_of(late)["late"] is True
    assert of_feature(decision_of(late), "card_count_1d") == 1.0


def test_what_is_recorded_stands_in_the_order_of_the_input(desk) -> None:
    batch = [
        received(0),
        received(1, amount_minor=-1),
        received(2, card_id="card-2"),
        replaced(received(3), value=received(0).value, record=received(0).record),
        received(4),
        received(5, card_id="card-2"),
    ]
    decided = desk.decide(*batch)
    assert [audit["source_offset"] for _, audit in decided.recorded] == [0, 2, 3, 4, 5]
    for decision, audit in decided.recorded:
        assert decision is None or decision["decision_id"] == audit["decision_id"]


def test_a_batch_without_a_valid_event_decides_nothing(desk) -> None:
    assert desk.decide().recorded == []
    assert desk.decide(received(0, amount_minor=-1)).recorded == []


@given(st.integers(0, 2**32), st.integers(1, 7))
def test_decisions_and_state_do_not_depend_on_how_the_stream_is_cut(
    charter, model, seed, size
) -> None:
    chance = random.Random(seed)
    stream = [
        received(
            offset,
            card_id=chance.choice(("card-1", "card-2")),
            event_id=f"e-{chance.randrange(15)}",
            occurred_at_ms=NOW_MS - chance.randrange(60 * DAY_MS),
            amount_minor=chance.randrange(-5, 50_000),
        )
        for offset in range(20)
    ]
    one_by_one, in_batches = Desk(charter, model), Desk(charter, model)
    singly = [one_by_one.decide(event) for event in stream]
    batches = [in_batches.decide(*stream[at : at + size]) for at in range(0, 20, size)]
    for kind in ("recorded", "rejected"):
        assert [each for decided in singly for each in getattr(decided, kind)] == [
            each for decided in batches for each in getattr(decided, kind)
        ]
    assert sorted(one_by_one.changes) == sorted(in_batches.changes)
    assert by_key(one_by_one.state) == by_key(in_batches.state)


def test_the_changes_restore_the_state(charter) -> None:
    model = Saying(charter, lambda amounts: np.zeros(len(amounts)))
    desk = Desk(charter, model)
    for offset in range(50):
        amount = 600_000 if offset % 10 == 9 else 3_000  # a rule has some reviewed
        at_ms = NOW_MS - (50 - offset) * 2 * DAY_MS
        desk.decide(received(offset, occurred_at_ms=at_ms, amount_minor=amount))
    restored = by_key(desk.restarted(model).state)
    assert {type(value) for value in restored.values()} == {KeyHistory, Reviews}
    assert restored == by_key(desk.state)
