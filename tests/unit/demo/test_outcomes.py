"""Counting what decisions say, in numbers, words and money."""

from headrace.demo.outcomes import Outcomes
from headrace.usecase.values import Cost, ReviewCost, Values

VALUES = Values(
    missed=Cost(share=1.0, fixed_minor=2_000),
    false_decline=Cost(share=0.03, fixed_minor=1_500),
    review=ReviewCost(cost_minor=300, missed_share=0.1),
)


def decision(action="approve", amount=1_000, currency="EUR", score=0.1, cost=300, **others):
    return {
        "action": action,
        "amount_minor": amount,
        "currency": currency,
        "score": score,
        "expected_cost_minor": cost,
        "late": False,
        "deadline_missed": False,
        "acted": True,
        "fallback": "",
        "model": "expert-scorecard",
        "model_version": "1",
        "trace_id": "",
        "reasons": [],
        "reason_codes": [],
        "rule_hits": [],
        **others,
    }


def explained(action, amount, *codes, rules=()):
    words = [f"{code} of {amount}" for code in codes]
    return decision(action, amount, reasons=words, reason_codes=list(codes), rule_hits=list(rules))


def test_the_cost_of_the_decisions_stands_beside_that_of_approving_the_same_events():
    outcomes = Outcomes(VALUES)
    outcomes.add([decision(cost=300), decision("decline", 100_000, score=0.9, cost=450)])
    assert outcomes.money.as_json() == {
        "EUR": {
            "decided_minor": 101_000,
            "declined_minor": 100_000,
            "expected_cost_minor": 750,
            "expected_cost_of_approving_all_minor": 300 + 91_800,
        }
    }


def test_what_has_no_price_is_on_neither_side():
    outcomes = Outcomes(VALUES)
    outcomes.add([decision(cost=None, fallback="model_failed"), decision(amount=None)])
    assert not outcomes.money.cost
    assert not outcomes.money.cost_of_approving
    assert outcomes.fallbacks == {"model_failed": 1}


def test_currencies_are_never_added_up():
    outcomes = Outcomes(VALUES)
    outcomes.add([decision(), decision(amount=5_000, currency="USD")])
    assert outcomes.money.words()[0] == ("money decided", "50.00 USD + 10.00 EUR")


def test_without_values_there_is_no_cost_to_speak_of():
    outcomes = Outcomes()
    outcomes.add([decision(cost=0)])
    assert [name for name, _ in outcomes.money.words()] == ["money decided", "money declined"]


def test_reasons_are_counted_by_code_and_told_in_the_latest_words():
    outcomes = Outcomes()
    outcomes.add([explained("review", 1, "night", "large"), explained("review", 2, "large")])
    assert outcomes.top_reasons(1) == [(2, "large of 2")]


def test_examples_are_the_dearest_of_each_action_and_the_models_before_the_rules():
    outcomes = Outcomes()
    outcomes.add(
        [
            explained("review", 10, "large"),
            explained("review", 30, "large"),
            explained("decline", 20, "large"),
            explained("decline", 99, "blocked", rules=["blocked"]),
            explained("approve", 500, "trusted", rules=["trusted"]),
        ]
    )
    chosen = [(each["action"], each["amount_minor"]) for each in outcomes.examples(2)]
    assert chosen == [("decline", 20), ("review", 30)]


def test_what_nothing_acts_on_is_counted():
    outcomes = Outcomes()
    outcomes.add([decision(acted=False, late=True, deadline_missed=True)])
    assert (outcomes.not_acted, outcomes.late, outcomes.deadline_missed) == (1, 1, 1)
