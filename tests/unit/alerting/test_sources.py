"""What signals and evaluations say."""

import json

import pytest

from headrace.alerting.causes import CAUSE_OF, Cleared, Raised
from headrace.alerting.sources import of_evaluation, of_signal
from headrace.contracts.location import shipped

EXAMPLES = shipped("schemas") / "examples/platform"


def example(name):
    return json.loads((EXAMPLES / name).read_text("utf-8"))


def test_a_signal_is_told_with_its_numbers():
    said = of_signal(example("SignalChanged/typical.json"), "signals-0-1", "")
    assert isinstance(said, Raised)
    assert said.summary == (
        "concept/negatives: log loss of the scores that negatives get (geometric mean) is 0.034, "
        "was 0.012"
    )


def test_a_signal_of_a_segment_names_it():
    of_new = {"subject": "concept/positives/card_new=1", "segment": "card_new=1"}
    said = of_signal(example("SignalChanged/typical.json") | of_new, "signals-0-1", "")
    assert isinstance(said, Raised)
    assert said.summary.startswith("concept/positives/card_new=1: ")
    assert CAUSE_OF[said.kind] == "model"


def test_a_signal_that_cleared_says_why():
    said = of_signal(example("SignalChanged/edges.json"), "signals-0-1", "")
    assert said == Cleared(
        "quality",
        "quality/null_share/distance_km/channel=online",
        "concept/negatives@0",
        "as before for 2,000 outcomes",
    )


def evaluation(**changes):
    usual = {
        "model": "served",
        "label_source": "all",
        "final": True,
        "window_end_ms": 9,
        "priced": 1_000,
        "currency": "EUR",
        "saved_minor": -4_200,
    }
    return {**usual, **changes}


def test_decisions_that_cost_more_than_approving_everything_are_told():
    said = of_evaluation(evaluation(), "evaluations-0-1", "")
    assert isinstance(said, Raised)
    assert said.signal_id == "cost@9"
    assert "4,200 EUR" in said.summary


def test_a_window_that_saved_money_clears_it():
    said = of_evaluation(evaluation(saved_minor=0), "evaluations-0-1", "")
    assert isinstance(said, Cleared)
    assert said.subject == "cost"


@pytest.mark.parametrize(
    "changes",
    [{"model": "logistic"}, {"final": False}, {"saved_minor": None}, {"label_source": "appeal"}],
)
def test_challengers_early_results_windows_without_prices_and_single_sources_say_nothing(changes):
    assert of_evaluation(evaluation(**changes), "evaluations-0-1", "") is None
