"""What is decided: money, rules, reviewers, the deadline, and the stage."""

import random

import numpy as np
import pytest

from headrace.usecase.reviews import DAY_MS as REVIEW_DAY_MS
from support.desk import NOW_MS, Desk, always, charter_with, received, scorecard_of
from support.desk import Saying as Says

APPROVED, REVIEWED, DECLINED = 0.001, 0.2, 0.99
"""Scores at which the shipped charter's values make each action the cheapest for 42 EUR."""
NOON_MS = NOW_MS // REVIEW_DAY_MS * REVIEW_DAY_MS - REVIEW_DAY_MS // 2


def desk_of(score: float, *changes: tuple[str, str], **contributions: float) -> Desk:
    charter = charter_with(*changes)
    return Desk(charter, Says(charter, always(score), contributions))


@pytest.mark.parametrize(
    ("score", "action", "cost"),
    [
        (APPROVED, "approve", 6.2),
        (REVIEWED, "review", 0.2 * 6_200 * 0.1 + 300),
        (DECLINED, "decline", 0.01 * (4_200 * 0.03 + 1_500)),
    ],
)
def test_the_cheapest_action_is_taken_and_its_cost_told_in_minor_units(score, action, cost) -> None:
    decision = desk_of(score).decision(received(0))
    assert (decision["action"], decision["expected_cost_minor"]) == (action, round(cost))


def test_an_approval_needs_no_reason() -> None:
    decision = desk_of(APPROVED, amount_minor=0.7).decision(received(0))
    assert (decision["reasons"], decision["reason_codes"], decision["rule_hits"]) == ([], [], [])


def test_reasons_are_what_pushes_in_words_with_their_codes() -> None:
    desk = desk_of(DECLINED, amount_to_mean_30d=0.5, amount_minor=2.0, card_count_1d=-1.0)
    for offset in range(9):
        desk.decide(received(offset, amount_minor=1_000))
    decision = desk.decision(received(9, amount_minor=10_000))
    assert decision["reason_codes"] == ["amount_minor", "amount_to_mean_30d"]
    assert decision["reasons"][1] == "the amount is 5.3 times this card's 30-day mean"


def test_an_amount_above_the_limit_is_reviewed_whatever_the_model_says() -> None:
    decision = desk_of(APPROVED).decision(received(0, amount_minor=600_000))
    assert decision["action"] == "review"
    assert decision["rule_hits"] == decision["reason_codes"] == ["amount-limit"]
    assert decision["reasons"] == ["the amount of 6,000.00 EUR is above the limit of 5,000"]
    assert decision["expected_cost_minor"] == round(0.001 * 602_000 * 0.1 + 300)


def test_the_model_may_be_stricter_than_a_rule() -> None:
    decision = desk_of(0.9999).decision(received(0, amount_minor=600_000))
    assert (decision["action"], decision["rule_hits"]) == ("decline", ["amount-limit"])


def test_an_entity_is_blocked_from_the_batch_on_in_which_it_is_listed() -> None:
    desk = desk_of(APPROVED)
    assert desk.decision(received(0))["action"] == "approve"
    desk.put("blocked-cards", "card-1")
    blocked = desk.decision(received(1))
    assert (blocked["action"], blocked["reason_codes"]) == ("decline", ["blocked-card"])
    desk.put("blocked-cards", "card-1", listed=False)
    assert desk.decision(received(2))["action"] == "approve"


def test_a_trusted_entity_is_exempt_from_the_model_but_not_from_stricter_rules() -> None:
    desk = desk_of(DECLINED)
    desk.put("trusted-cards", "card-1")
    exempt = desk.decision(received(0))
    assert (exempt["action"], exempt["reason_codes"]) == ("approve", ["trusted-card"])
    desk.put("blocked-merchants", "merchant-1")
    blocked = desk.decision(received(1))
    assert blocked["action"] == "decline"
    assert blocked["rule_hits"] == ["blocked-merchant", "trusted-card"]
    assert blocked["reason_codes"] == ["blocked-merchant"]


FEW = ("per_day = 500", "per_day = 8")  # four for each of the two partitions


def actions_on(desk: Desk, count: int, **fields) -> list[str]:
    at_ms = fields.pop("occurred_at_ms", NOON_MS)
    batch = [received(n, occurred_at_ms=at_ms + n, **fields) for n in range(count)]
    return [decision["action"] for decision in desk.decisions(*batch)]


def test_a_day_has_no_more_reviews_than_its_places_in_each_partition() -> None:
    desk = desk_of(REVIEWED, FEW)
    for partition in (0, 1):
        assert actions_on(desk, 9, amount_minor=50_000, partition=partition).count("review") == 4
        assert "review" not in actions_on(desk, 9, partition=partition, card_id="card-2")


def test_what_saves_much_gets_the_last_place_that_what_saves_little_does_not() -> None:
    little = actions_on(desk_of(REVIEWED, FEW), 9)
    much = actions_on(desk_of(REVIEWED, FEW), 9, amount_minor=50_000)
    assert much.count("review") == 4
    assert 1 <= little.count("review") < 4


def test_the_next_day_has_its_own_places() -> None:
    desk = desk_of(REVIEWED, FEW)
    first = actions_on(desk, 9, amount_minor=50_000)
    next_day_ms = NOON_MS - REVIEW_DAY_MS
    second = actions_on(
        desk, 9, amount_minor=50_000, occurred_at_ms=next_day_ms, card_id="card-2", partition=0
    )
    assert first.count("review") == second.count("review") == 4


def test_without_a_place_the_next_best_action_is_taken_and_says_so() -> None:
    desk = desk_of(REVIEWED, FEW, amount_minor=1.0)
    batch = [received(n, occurred_at_ms=NOON_MS + n, amount_minor=50_000) for n in range(5)]
    last = desk.decisions(*batch)[-1]
    assert last["action"] == "decline"
    assert last["expected_cost_minor"] == round(0.8 * (50_000 * 0.03 + 1_500))
    assert last["reason_codes"] == ["CAPACITY", "amount_minor"]


def test_a_rules_review_without_a_place_is_what_the_charter_says_instead() -> None:
    desk = desk_of(APPROVED, FEW)
    batch = [received(n, occurred_at_ms=NOON_MS + n, amount_minor=600_000) for n in range(5)]
    decisions = desk.decisions(*batch)
    assert [decision["action"] for decision in decisions] == ["review"] * 4 + ["decline"]
    assert decisions[-1]["reason_codes"] == ["amount-limit", "CAPACITY"]


def test_places_are_still_taken_after_a_restart() -> None:
    desk = desk_of(REVIEWED, FEW)
    assert actions_on(desk, 9, amount_minor=50_000).count("review") == 4
    again = desk.restarted(Says(desk.charter, always(REVIEWED)))
    assert "review" not in actions_on(again, 9, amount_minor=50_000, card_id="card-2")


@pytest.mark.parametrize("size", [1, 3, 7, 40])
def test_reviews_do_not_depend_on_how_the_stream_is_cut(size) -> None:
    chance = random.Random(11)
    charter = charter_with(FEW)
    stream = [
        received(
            offset,
            card_id=f"card-{chance.randrange(5)}",
            amount_minor=chance.randrange(100_000),
            occurred_at_ms=NOON_MS - chance.randrange(3) * REVIEW_DAY_MS,
        )
        for offset in range(40)
    ]
    model = Says(charter, lambda amounts: np.minimum(1.0, amounts / 150_000))
    whole, cut = Desk(charter, model), Desk(charter, model)
    parts = [cut.decisions(*stream[at : at + size]) for at in range(0, 40, size)]
    decisions = whole.decisions(*stream)
    assert decisions == [decision for part in parts for decision in part]
    assert {decision["action"] for decision in decisions} == {"approve", "review", "decline"}


def test_a_decision_after_the_deadline_is_flagged_and_takes_the_late_action() -> None:
    charter = charter_with(('late_action = "review"', 'late_action = "approve"'))
    desk = Desk(charter, Says(charter, always(DECLINED)))
    deadline_ms = charter.deadline_ms
    in_time = desk.decision(received(0, arrived_ms=NOW_MS - deadline_ms))
    assert (in_time["deadline_missed"], in_time["action"]) == (False, "decline")
    late = desk.decision(received(1, arrived_ms=NOW_MS - deadline_ms - 1))
    assert (late["deadline_missed"], late["action"]) == (True, "approve")
    assert late["reason_codes"] == ["LATE"]
    assert late["expected_cost_minor"] == round(DECLINED * 6_200)


def test_the_late_action_outranks_rules_which_are_told_all_the_same() -> None:
    charter = charter_with(('late_action = "review"', 'late_action = "approve"'))
    desk = Desk(charter, Says(charter, always(APPROVED)))
    desk.put("blocked-cards", "card-1")
    late = desk.decision(received(0, arrived_ms=NOW_MS - 60_000))
    assert (late["action"], late["rule_hits"]) == ("approve", ["blocked-card"])


def test_without_a_broker_timestamp_no_deadline_is_missed() -> None:
    assert desk_of(APPROVED).decision(received(0, arrived_ms=-1))["deadline_missed"] is False


@pytest.mark.parametrize(("stage", "acted"), [("shadow", False), ("canary", True), ("live", True)])
def test_in_shadow_it_is_decided_but_nothing_may_act_on_it(stage, acted) -> None:
    decision = desk_of(DECLINED, ('stage = "live"', f'stage = "{stage}"')).decision(received(0))
    assert (decision["stage"], decision["acted"], decision["action"]) == (stage, acted, "decline")


def test_contributions_add_up_to_the_score() -> None:
    charter = charter_with()
    desk = Desk(charter, scorecard_of(charter))
    decision = desk.decision(received(0, amount_minor=12_000))
    logit = charter.model.intercept + sum(decision["contributions"])
    assert decision["score"] == pytest.approx(1 / (1 + np.exp(-logit)), rel=1e-12)
