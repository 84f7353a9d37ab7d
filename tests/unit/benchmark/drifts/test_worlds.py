"""A simulated world that is decided, labelled and learned from in process."""

from dataclasses import replace
from itertools import chain

import pytest

from headrace.benchmark.drifts.watched import card_fraud, watched
from headrace.benchmark.drifts.worlds import Step, World, with_one_model
from headrace.simulator.scenario import Scenario

EVENTS = 6_000
DAYS = 95


@pytest.fixture(scope="module")
def steps() -> list[Step]:
    charter = with_one_model(card_fraud(), freeze_every=200)
    return list(World(charter, Scenario(1, EVENTS, (), DAYS)))


def test_all_events_are_there_and_those_that_come_twice_are_decided_once(steps) -> None:
    records = [record for step in steps for record in step.records]
    assert len(records) == EVENTS
    decided = sum(len(step.times_ms) for step in steps)
    assert decided == len({record["event_id"] for record in records}) < EVENTS


def test_what_is_known_has_happened_before_and_comes_in_its_order(steps) -> None:
    latest_ms = 0
    for step in steps:
        known = [each["known_at_ms"] for each in step.known]
        assert known == sorted(known)
        assert all(each["occurred_at_ms"] < each["known_at_ms"] <= latest_ms for each in step.known)
        latest_ms = max(latest_ms, *(record["occurred_at_ms"] for record in step.records))


def test_the_scorecard_decides_until_a_model_has_learned_and_then_each_version(steps) -> None:
    models = list(dict.fromkeys(step.model for step in steps))
    assert models[0].name == "expert-scorecard"
    assert {model.name for model in models[1:]} == {"logistic"}
    assert len(models) > 2


def test_an_outcome_names_the_model_that_decided_and_its_score(steps) -> None:
    scores = {(step.model.name, score) for step in steps for score in step.scores.tolist()}
    known = list(chain.from_iterable(step.known for step in steps))
    assert {each["model"] for each in known} == {"expert-scorecard", "logistic"}
    assert all((each["model"], each["score"]) in scores for each in known)


def test_an_outcome_that_is_told_again_replaces_the_first(steps) -> None:
    told = set()
    for each in chain.from_iterable(step.known for step in steps):
        assert (each["replaces"] is not None) == (each["decision_id"] in told)
        told.add(each["decision_id"])


def test_a_world_is_the_same_each_time_it_is_watched() -> None:
    once, again = (watched(2, 2_000, 32, "data") for _ in range(2))
    assert replace(once, watching_s=0.0) == replace(again, watching_s=0.0)
