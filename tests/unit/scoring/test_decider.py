"""The handler: each batch is decided by the model that serves then, and says so."""

from types import SimpleNamespace

import pytest

from headrace.chassis.stages import StageClock
from headrace.chassis.topology import Channel
from headrace.contracts.codec import Decoder, Encoder
from headrace.contracts.schemas import load_schema
from headrace.scoring.app import Decider
from headrace.scoring.domain import Scorer
from headrace.scoring.recording import Records, observations
from headrace.usecase.entities import EntityLists
from support.desk import (
    NOW_MS,
    PARTITIONS,
    TOPIC,
    Saying,
    always,
    charter_with,
    received,
    replaced,
    state_of,
)


def channel(topic: str, record: str) -> Channel:
    schema = load_schema(f"platform/{record}")
    return Channel(topic, Encoder(schema, 1), Decoder(schema, lambda _: schema, 1_048_576))


DECISIONS, AUDITS = channel("decisions", "DecisionMade"), channel("audits", "AuditRecorded")
OBSERVATIONS = channel("observations", "ProfileObserved")
PROFILES = """
[profiles]
merchant = { key = "merchant_id" }
currency = { key = "currency" }

[[features]]
name = "merchant_count_7d"
profile = "merchant"
measure = "count"
window = "7d"
delay = "1d"

[[features]]
name = "amount_minor"
"""
TERM = (
    "[model.features]\n",
    "[model.features]\nmerchant_count_7d = { weight = 0, mean = 0, scale = 1 }\n",
)


class World:
    """A decider whose model a test changes, as a table does between two batches."""

    def __init__(self) -> None:
        self.charter = charter_with()
        self.serving = SimpleNamespace(model=self.model("1"))
        self.made = 0
        self.decider = Decider(self.serving, self.scorer_of, DECISIONS, AUDITS)
        self.state = state_of(self.charter)
        self.offset = 0

    def model(self, version: str):
        model = Saying(self.charter, always(0.01))
        model.version, model.digest = version, version.encode() * 32
        return model

    def scorer_of(self, model) -> Scorer:
        self.made += 1
        return Scorer(self.charter, model, EntityLists({}), lambda: NOW_MS, TOPIC, PARTITIONS)

    def decide(self):
        """Decide one event, and return its decision and its audit record."""
        event = received(event_id=f"event-{self.offset}", offset=self.offset)
        self.offset += 1
        overlay = self.state.overlay()
        handled = self.decider([event], overlay, StageClock())
        overlay.merge({event.partition})
        (decision,), (audit,) = (each.values for each in handled.outgoing)
        return DECISIONS.decode(decision), AUDITS.decode(audit)


@pytest.fixture
def world() -> World:
    return World()


def test_a_batch_is_decided_by_the_model_that_serves_then_and_says_so_twice(world) -> None:
    for version in ("1", "2", "1"):
        world.serving.model = world.model(version)
        decision, audit = world.decide()
        assert decision["model_version"] == version
        assert decision["model_digest"] == audit["model_digest"] == version.encode() * 32


def test_nothing_is_made_anew_while_the_same_model_serves(world) -> None:
    for _ in range(3):
        world.decide()
    assert world.made == 1
    world.serving.model = world.model("2")
    for _ in range(3):
        world.decide()
    assert world.made == 2


def test_the_histories_go_on_where_the_model_is_another(world) -> None:
    one_model = World()
    for version in ("1", "2", "3"):
        world.serving.model = world.model(version)
        swapped, _ = world.decide()
        alone, _ = one_model.decide()
        assert swapped["features"] == alone["features"]


def test_where_no_model_serves_any_more_the_rules_decide(world) -> None:
    world.decide()
    world.serving.model = None
    decision, audit = world.decide()
    assert (decision["model"], decision["fallback"]) == ("rules", "model_untrusted")
    assert audit["model_digest"] == bytes(32)


def test_those_whom_an_event_counts_for_hear_of_it_once_and_the_decision_names_them() -> None:
    charter = charter_with(('[[features]]\nname = "amount_minor"\n', PROFILES), TERM)
    looked_up = []

    def look_up(record):
        looked_up.append(record["event_id"])
        return [41.0]

    def scorer_of(model) -> Scorer:
        lists = EntityLists({})
        return Scorer(charter, model, lists, lambda: NOW_MS, TOPIC, PARTITIONS, look_up)

    serving = SimpleNamespace(model=None)
    decider = Decider(serving, scorer_of, DECISIONS, AUDITS, OBSERVATIONS)
    events = [
        received(0, merchant_id="shop/1"),
        received(2, amount_minor=-1),
        received(3),
    ]
    events.insert(1, replaced(events[0], offset=1))
    handled = decider(events, state_of(charter).overlay(), StageClock())
    decisions, audits, told = handled.outgoing
    assert len(audits.values) == 3
    first, last = map(DECISIONS.decode, decisions.values)
    assert first["profile_keys"] == ["merchant/shop/1", "currency/EUR"]
    assert last["profile_keys"] == ["merchant/merchant-1", "currency/EUR"]
    assert first["features"][charter.feature_set.names.index("merchant_count_7d")] == 41
    assert looked_up == [first["event_id"], last["event_id"]]
    assert told.topic == "observations"
    assert told.keys == first["profile_keys"] + last["profile_keys"]
    assert [OBSERVATIONS.decode(value) for value in told.values] == [
        {"profile": name, "key": key, "occurred_at_ms": each["occurred_at_ms"], "told": "decided"}
        for each, merchant in ((first, "shop/1"), (last, "merchant-1"))
        for name, key in (("merchant", merchant), ("currency", "EUR"))
    ]


def test_whoever_is_null_hears_of_nothing() -> None:
    decisions = Records({}, {"profile_keys": [[], []], "occurred_at_ms": [1, 2]})
    owners, told = observations(decisions)
    assert owners == []
    assert OBSERVATIONS.encode.batch(*told) == []
