"""The champion that learns serves once it would have cost no more than what decided."""

import random

import pytest

from headrace.learning.trial import LEAST_POSITIVES, SPAN, Trial
from headrace.usecase.charter import Charter
from support.use_case import SHIPPED

DAY = 86_400_000
CHARTER = Charter.load(SHIPPED)
HORIZON = CHARTER.labels.horizon_ms + CHARTER.events.lateness_ms


def outcome(number, *, positive, score, after_ms=HORIZON, amount=5_000, fallback=""):
    occurred_ms = number * DAY // 100
    return {
        "occurred_at_ms": occurred_ms,
        "known_at_ms": occurred_ms + after_ms,
        "value": positive,
        "score": score,
        "amount_minor": amount,
        "fallback": fallback,
    }


def tried(mine, served, *, charter=CHARTER, number=SPAN + 50, share=0.02, **others):
    """A trial in which both say, of each outcome, what their functions of the truth say."""
    trial, rnd = Trial(charter), random.Random(1)
    for _ in range(100):  # what is known at the beginning
        trial.take(outcome(0, positive=False, score=0.0, after_ms=0), 0.0)
    for each in range(1, number):
        positive = rnd.random() < share
        trial.take(
            outcome(each, positive=positive, score=served(positive), **others), mine(positive)
        )
    return trial


def knows(positive):
    return 0.9 if positive else 0.01


def knows_nothing(positive):
    return 0.01


def accuses(positive):
    return 0.9


def test_it_serves_where_it_would_have_cost_less():
    assert tried(knows, knows_nothing).why_not() == ""


def test_it_serves_where_both_would_have_cost_the_same():
    assert tried(knows, knows).why_not() == ""


@pytest.mark.parametrize("mine", [knows_nothing, accuses])
def test_it_does_not_serve_where_it_would_have_cost_more(mine):
    """Whatever it misses, or whomever it accuses."""
    assert "it would have cost" in tried(mine, knows).why_not()


def test_without_values_the_log_loss_tells():
    charter = CHARTER.model_copy(update={"values": None})
    assert tried(knows, knows_nothing, charter=charter).why_not() == ""
    assert "log loss" in tried(accuses, knows, charter=charter).why_not()


def test_it_does_not_serve_before_enough_is_known():
    assert f"of {SPAN} outcomes" in tried(knows, knows_nothing, number=SPAN).why_not()


def test_before_the_first_horizon_nothing_counts():
    assert tried(knows, knows_nothing, after_ms=DAY, number=500).why_not().startswith("0 of")


def test_a_few_positives_prove_nothing():
    share = LEAST_POSITIVES / SPAN / 4
    assert "are positive" in tried(knows, knows_nothing, share=share).why_not()


def test_what_the_rules_decided_and_what_nobody_knows_does_not_count():
    assert tried(knows, knows, fallback="model_failed").why_not().startswith("0 of")
    trial = Trial(CHARTER)
    trial.take(outcome(1, positive=None, score=0.5), 0.5)
    assert trial.why_not().startswith("0 of")


def test_one_event_from_long_ago_does_not_end_the_wait_for_the_first_horizon():
    trial = Trial(CHARTER)
    trial.take(outcome(-1_000_000, positive=False, score=0.0, after_ms=0), 0.0)
    for number in range(SPAN + 200):
        trial.take(outcome(number // 1_000, positive=True, score=0.5, after_ms=DAY), 0.5)
    assert trial.why_not().startswith("0 of")


def test_what_has_no_price_does_not_count_beside_what_has():
    assert tried(knows, knows, amount=None).why_not().startswith("0 of")
