"""A live run's decisions decided again: all the same, and whatever is not is found."""

import random
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest

from headrace.backtesting.comparing import DECIDED, Comparison, differences
from headrace.backtesting.live import AsDecided, paired
from headrace.backtesting.surveyed import Surveyed
from headrace.chassis.records import Received
from headrace.chassis.stages import StageClock
from headrace.models.frozen import FrozenModel
from headrace.scoring.domain import Scorer
from headrace.usecase.charter import Charter
from headrace.usecase.entities import EntityLists, entity_key
from support.desk import (
    DAY_MS,
    MINUTE_MS,
    NOW_MS,
    PARTITIONS,
    TOPIC,
    Saying,
    always,
    charter_with,
    received,
    replaced,
    scorecard_of,
    state_of,
)

SECOND_MS = 1_000
FEW_REVIEWS = ("per_day = 500", "per_day = 8")


class Live(NamedTuple):
    """What a live run has read and written of a partition."""

    charter: Charter
    events: list[Received]
    decisions: list[dict[str, Any]]
    models: dict[bytes, FrozenModel]


Batch = tuple[FrozenModel | None, int, Sequence[Received]]


def run(charter: Charter, *batches: Batch, entries=None, look_up=None) -> Live:
    """Decide batches, each by a model and at a moment, as the service does."""
    state, decisions = state_of(charter), []
    for model, now_ms, events in batches:
        lists = EntityLists(entries or {})
        scorer = Scorer(charter, model, lists, lambda at=now_ms: at, TOPIC, PARTITIONS, look_up)
        overlay = state.overlay()
        decisions += scorer.decide(events, overlay, StageClock()).decisions.rows()
        overlay.merge({0})
    models = {model.digest: model for model, _, _ in batches if model is not None}
    return Live(charter, [each for *_, batch in batches for each in batch], decisions, models)


def again(live: Live, entries=None, **more) -> Comparison:
    """Decide it again, and compare."""
    comparison, last = Comparison(), max(each["source_offset"] for each in live.decisions)
    decider = AsDecided(
        live.charter, live.models.get, entries or {}, TOPIC, PARTITIONS, comparison, **more
    )
    told = Surveyed(written(live.decisions))
    in_order = told.again(0, written(live.decisions))
    decider.run(paired(live.events, in_order, told.strays(0), last), lambda _: None)
    return comparison


def written(decisions: Sequence[dict[str, Any]]) -> list[Received]:
    """Decisions as they stand in partition 0."""
    return [Received(0, n, each["key"], b"", each, -1) for n, each in enumerate(decisions)]


def payments(number: int, seed: int = 1, first: int = 0) -> list[Received]:
    """Payments of a few cards over a day, small and large, some of them twice or faulty."""
    rnd, made = random.Random(seed), list[Received]()
    for offset in range(first, first + number):
        fields = {
            "card_id": f"card-{rnd.randrange(5)}",
            "amount_minor": round(10 ** rnd.uniform(2, 5.7)),
            "event_id": f"event-{offset}",
            "distance_km": rnd.choice([None, 3.5, 900.0]),
        }
        if rnd.random() < 0.05:
            fields["amount_minor"] = -1
        if made and rnd.random() < 0.05:
            made.append(replaced(made[-1], offset=offset))
        else:
            made.append(received(offset, **fields))
    return made


@pytest.fixture(scope="module")
def charter() -> Charter:
    return charter_with(FEW_REVIEWS)


@pytest.fixture(scope="module")
def first(charter) -> FrozenModel:
    return scorecard_of(charter)


def another(charter) -> FrozenModel:
    """A model that finds large amounts suspicious."""
    return Saying(charter, lambda amounts: np.minimum(amounts / 1e6, 1.0), {"amount_minor": 1.0})


@pytest.fixture
def live(charter, first) -> Live:
    """A run of three batches, with another model from the second on."""
    events, second = payments(300), another(charter)
    return run(
        charter,
        (first, NOW_MS, events[:100]),
        (second, NOW_MS + SECOND_MS, events[100:150]),
        (second, NOW_MS + 2 * SECOND_MS, events[150:]),
    )


def test_all_decisions_are_the_same_across_a_swap_of_the_model(live) -> None:
    assert {each["action"] for each in live.decisions} == {"approve", "review", "decline"}
    assert len(live.decisions) < len(live.events), "some are duplicates, or faulty"
    found = again(live)
    assert (found.same, found.different) == (len(live.decisions), 0)
    assert not found.incomparable


def test_a_decision_that_came_too_late_is_the_same_by_the_clock_of_then(charter, first) -> None:
    late = [received(n, arrived_ms=NOW_MS - n * SECOND_MS) for n in range(5)]
    live = run(charter, (first, NOW_MS, late))
    assert {each["deadline_missed"] for each in live.decisions} == {True, False}
    assert again(live).same == 5


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("score", 0.25),
        ("action", "decline"),
        ("reasons", ["because"]),
        ("policy_version", "2"),
        ("features", [0.0] * 20),
    ],
)
def test_a_decision_that_was_made_otherwise_is_found_by_its_field(live, field, value) -> None:
    wrong = live.decisions[7] = {**live.decisions[7], field: value}
    found = again(live)
    assert (found.same, found.different) == (len(live.decisions) - 1, 1)
    assert found.fields == {field: 1}
    (example,) = found.examples
    assert example[:3] == (wrong["event_id"], field, value)
    assert example.again != value


def test_floats_are_the_same_to_the_last_bit_or_they_are_not() -> None:
    score = 0.1
    again_one = {"score": score, "trace_id": "", "decided_at_ms": 1}
    assert not differences({"score": score, "trace_id": "t", "decided_at_ms": 2}, again_one)
    for other in (float(np.nextafter(score, 1)), -0.1):
        assert set(differences({**again_one, "score": other}, again_one)) == {"score"}
    assert differences({"features": [-0.0]}, {"features": [0.0]})
    assert not differences({"features": [float("nan")]}, {"features": [float("nan")]})


def test_a_second_decision_about_an_event_is_compared_too(live) -> None:
    live.decisions.append({**live.decisions[3], "score": 0.75})
    found = again(live)
    assert (found.same, found.fields) == (len(live.decisions) - 1, {"score": 1})


def test_an_event_that_was_not_decided_and_one_that_must_not_be_are_found(live) -> None:
    missing = live.decisions.pop(20)
    faulty = next(each for each in live.events if each.record["amount_minor"] < 0)
    of_faulty = {**live.decisions[0], "event_id": "faulty", "source_offset": faulty.offset}
    live.decisions.append(of_faulty)
    found = again(live)
    assert found.fields == {DECIDED: 2}
    assert {each[:] for each in found.examples} == {
        (missing["event_id"], DECIDED, False, True),
        ("faulty", DECIDED, True, False),
    }


def test_what_profiles_said_is_taken_from_the_decision(small) -> None:
    rnd = random.Random(1)
    profiled = sum("profile" in str(type(each)).lower() for each in small.features)
    live = run(
        small,
        (scorecard_of(small), NOW_MS, payments(60)),
        look_up=lambda _: [float(rnd.randrange(9)) for _ in range(profiled)],
    )
    assert len({tuple(each["features"]) for each in live.decisions}) > 20
    assert again(live).same == len(live.decisions)
    wrong = live.decisions[5]
    column = small.feature_set.names.index("amount_minor")
    changed = [value + (n == column) for n, value in enumerate(wrong["features"])]
    live.decisions[5] = {**wrong, "features": changed}
    assert again(live).fields == {"features": 1}


def test_without_a_model_the_rules_decide_again(charter) -> None:
    live = run(charter, (None, NOW_MS, payments(50)))
    assert again(live).same == len(live.decisions)


def test_decisions_of_a_model_that_is_not_to_be_had_are_not_compared(live) -> None:
    gone = live.models.pop(b"s" * 32)
    number = sum(each["model_digest"] == gone.digest for each in live.decisions)
    found = again(live)
    assert found.incomparable["no_model"] == number > 0
    assert found.same == len(live.decisions) - number


def test_where_a_model_has_failed_it_is_not_said_which(charter) -> None:
    model = Saying(charter, lambda amounts: np.where(amounts > 9_000, 7.0, 0.1))
    live = run(charter, (model, NOW_MS, payments(80)))
    failed = sum(each["fallback"] == "score_invalid" for each in live.decisions)
    found = again(live)
    assert found.incomparable == {"model_failed": failed}
    assert found.same == len(live.decisions) - failed


def test_decisions_by_another_version_of_the_charter_are_not_compared(live) -> None:
    for number in range(10):
        live.decisions[number] = {**live.decisions[number], "charter_digest": b"o" * 32}
    found = again(live)
    assert found.incomparable == {"other_charter": 10}
    assert found.same == len(live.decisions) - 10


def test_a_decision_without_its_event_is_not_compared(live) -> None:
    for number in (0, 5):
        live.decisions[number] = {**live.decisions[number], "source_offset": 10_000 + number}
    found = again(live)
    assert found.incomparable["no_event"] == 2
    assert found.fields == {DECIDED: 2}, "their events seem undecided"


def test_an_event_whose_decision_may_be_gone_is_not_compared(live) -> None:
    kept = live._replace(decisions=live.decisions[30:])
    found = again(kept, has_all_decisions=False)
    assert found.incomparable == {"decision_gone": 30}
    assert found.same == len(kept.decisions)
    missing = live._replace(decisions=[*live.decisions[30:60], *live.decisions[61:]])
    assert again(missing, has_all_decisions=False).fields == {DECIDED: 1}


def listed(changed_at_ms: int) -> dict[str, dict[str, Any]]:
    return {entity_key("blocked-cards", "card-1"): {"listed": True, "changed_at_ms": changed_at_ms}}


def test_what_lists_have_changed_since_is_not_compared_and_what_stood_on_them_is(
    charter, first
) -> None:
    before = run(charter, (first, NOW_MS, payments(50)))
    of_card = sum(each["key"] == "card-1" for each in before.decisions)
    since = again(before, listed(NOW_MS + DAY_MS))
    assert since.incomparable["lists_changed"] == of_card > 0
    assert since.different == 0
    long_ago = listed(NOW_MS - DAY_MS)
    assert again(before, long_ago).fields["action"] > 0
    blocked = run(charter, (first, NOW_MS, payments(50)), entries=long_ago)
    assert again(blocked, long_ago).same == len(blocked.decisions)


def test_where_it_is_not_known_how_many_reviews_were_made_that_day_they_excuse_a_difference(
    charter,
) -> None:
    events = [
        received(n, occurred_at_ms=NOW_MS - DAY_MS + n, amount_minor=60_000) for n in range(20)
    ]
    reviewing = Saying(charter, always(0.02))
    live = run(charter, (reviewing, NOW_MS, events[:10]), (reviewing, NOW_MS + 1, events[10:]))
    reviews = [n for n, each in enumerate(live.decisions) if each["action"] == "review"]
    assert 0 < len(reviews) < len(events), "not all that would be reviewed can be"
    by_another = live._replace(
        decisions=[
            {**each, "charter_digest": b"o" * 32, "action": "approve"} if n in reviews else each
            for n, each in enumerate(live.decisions)
        ]
    )
    changed = {**by_another.decisions[-1], "action": "review"}
    by_another.decisions[-1] = changed
    found = again(by_another)
    assert found.incomparable["reviews_unknown"] == 1
    assert found.different == 0


def test_the_first_few_differences_are_shown(live) -> None:
    wrong = [{**each, "score": 2.0} for each in live.decisions]
    found = again(live._replace(decisions=wrong))
    assert found.different == len(wrong)
    assert len(found.examples) == 5


def test_batches_may_be_cut_otherwise(charter, first) -> None:
    events = payments(1_200)
    live = run(charter, (first, NOW_MS + MINUTE_MS, events))
    assert again(live).same == len(live.decisions)
