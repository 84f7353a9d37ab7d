"""The handler: each batch is decided by the model that serves then, and says so."""

from types import SimpleNamespace

import pytest

from headrace.chassis.stages import StageClock
from headrace.chassis.topology import Channel
from headrace.contracts.codec import Decoder, Encoder
from headrace.contracts.schemas import load_schema
from headrace.scoring.app import Decider
from headrace.scoring.domain import Scorer
from headrace.usecase.entities import EntityLists
from support.desk import NOW_MS, PARTITIONS, TOPIC, Saying, always, charter_with, received, state_of


def channel(topic: str, record: str) -> Channel:
    schema = load_schema(f"platform/{record}")
    return Channel(topic, Encoder(schema, 1), Decoder(schema, lambda _: schema, 1_048_576))


DECISIONS, AUDITS = channel("decisions", "DecisionMade"), channel("audits", "AuditRecorded")


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
