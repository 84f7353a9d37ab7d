"""The end of a demo, told to somebody who sees it for the first time."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from headrace.demo.drifting import Drifted
from headrace.demo.improvement import Improvement, Measured
from headrace.demo.outcomes import Outcomes
from headrace.demo.story import (
    examples,
    how_it_went,
    its_signals,
    next_steps,
    what_drifted,
    what_happened,
)
from headrace.demo.summary import Summary
from headrace.demo.tally import Tally
from headrace.simulator.publisher import Published
from headrace.verification.balance import Balance
from headrace.verification.report import Report, Result

DECLINED = {
    "action": "decline",
    "amount_minor": 100_755,
    "currency": "EUR",
    "score": 0.98765,
    "event_id": "e-1",
    "fallback": "",
    "model": "expert-scorecard",
    "model_version": "1",
    "late": False,
    "deadline_missed": False,
    "acted": True,
    "expected_cost_minor": 45,
    "rule_hits": [],
    "reason_codes": ["amount_minor"],
    "trace_id": "",
    "reasons": ["the amount of 1,007.55 EUR is large"],
}
APPROVED = {**DECLINED, "action": "approve", "reasons": [], "reason_codes": []}


def summary(decisions, published=None, latencies_ms=(), verdict="PASS", **counted):
    outcomes = Outcomes()
    outcomes.add(decisions)
    tally = Tally(outcomes, **counted)
    result = Result("one-fate", "", 1, 0 if verdict == "PASS" else 1, verdict, None)
    return Summary(
        "shop",
        "shop/Sale",
        Published(Counter(event=tally.fates if published is None else published), seconds=2.0),
        tally,
        np.array(latencies_ms),
        None,
        Report("shop", [result], Balance(), 0, 0, 0),
    )


def test_it_says_what_came_and_what_became_of_it():
    told = what_happened(
        summary([APPROVED, APPROVED, DECLINED], duplicates=1, dead_letters=Counter(null_value=2))
    )
    assert told == (
        "6 sales came: 2 approved and 1 declined; 1 had come before and were not decided"
        " again; 2 could not be decided and are kept as dead letters. Each of them came to exactly"
        " one thing, and all of it is proved: 1 of 1 checks pass."
    )


def test_it_says_when_a_check_fails():
    assert "Not every promise was kept: 1 of 1 checks fail" in what_happened(
        summary([APPROVED], verdict="FAIL")
    )


def test_it_says_when_events_and_what_became_of_them_differ():
    assert "1 fates stand against 3 events published" in what_happened(
        summary([APPROVED], published=3)
    )


def test_nothing_acts_on_what_was_decided_in_shadow():
    told = what_happened(summary([{**APPROVED, "acted": False}]))
    assert "in shadow, so that nothing acts on 1 of the decisions" in told


def test_money_latency_and_faults_have_a_line_each():
    rows = how_it_went(
        summary([APPROVED, DECLINED], latencies_ms=[10, 20], dead_letters=Counter(future=3))
    )
    lines = dict(rows)
    assert lines["money"].startswith("of 2,015.10 EUR, 1,007.55 EUR declined")
    assert lines["latency"].startswith("p50 15.0 ms, p99 19.9 ms")
    assert lines["dead letters"] == "future 3"


def test_an_example_is_told_with_its_reasons_and_without_whom_it_is_about():
    assert list(examples(summary([APPROVED, {**DECLINED, "key": "card-1"}]))) == [
        (
            "declined: 1,007.55 EUR, score 0.988, event e-1",
            ["the amount of 1,007.55 EUR is large"],
        )
    ]


@pytest.mark.parametrize("charter", [None, "shop.toml"])
def test_there_is_always_something_to_try_next(charter):
    steps = [command for command, _ in next_steps(summary([DECLINED]), charter)]
    assert all(step.startswith("headrace ") for step in steps)
    assert ("headrace explain e-1 --charter shop.toml" in steps) == (charter is not None)


def test_programs_are_told_everything():
    told = summary([APPROVED, DECLINED]).as_json()
    assert told["decided"] == 2
    assert told["approve"] == 1
    assert told["money"]["EUR"]["declined_minor"] == 100_755
    assert told["reasons"] == {"amount_minor": 1}
    assert [each["event_id"] for each in told["examples"]] == ["e-1"]
    assert told["verified"]["passed"]


def test_where_models_learn_it_says_which_decided_and_what_they_did_better():
    learned = Measured(average_precision=0.51, roc_auc=0.94, cost_minor=490_187)
    card = Measured(average_precision=0.39, roc_auc=0.73, cost_minor=859_818)
    told = replace(
        summary([APPROVED, {**APPROVED, "model": "both", "model_version": "3000"}]),
        learns=True,
        improvement=Improvement(8_774, 125, learned, card),
    )
    lines = [line for name, line in how_it_went(told) if name == "learning"]
    assert lines[0] == "decided by expert-scorecard 1 1, then by both 3000 1"
    assert "average precision 0.51, the scorecard's would have been 0.39" in lines[1]
    assert "cost 4,901.87 EUR, not 8,598.18 EUR" in lines[1]


def test_where_nothing_has_learned_enough_it_says_so():
    told = replace(summary([APPROVED]), learns=True)
    lines = [line for name, line in how_it_went(told) if name == "learning"]
    assert lines[1] == "no model has learned enough yet to decide in the scorecard's place"


DRIFTED = Drifted(
    Path("shop-drift.toml"),
    97_500,
    16.2,
    {
        "incident_id": "data-signals-0-0",
        "severity": "warning",
        "signals": [{"signal_id": "s", "summary": "input/a: ...", "runbook": "runbooks/input.md"}],
    },
    [
        {
            "signal_id": "s",
            "segment": "",
            "since_ms": 1_770_015_600_000,
            "magnitude": 0.174,
            "features": [{"feature": "a", "magnitude": 0.174}],
        }
    ],
)


def test_it_says_what_became_of_a_drift_since_when_how_much_and_what_to_do():
    assert what_drifted(DRIFTED) == (
        "A drift was switched on; 97,500 events and 16 s after the first one there was incident"
        " data-signals-0-0 (warning)"
    )
    assert list(its_signals(DRIFTED)) == [
        (
            "input/a: ...",
            [
                "since 2026-02-02 07:00Z of event time, by 0.17",
                "features that have shifted: a by 0.17",
                "what to do: runbooks/input.md",
            ],
        )
    ]


def test_of_a_signal_of_a_segment_it_says_of_which():
    signals = [{**DRIFTED.signals[0], "segment": "card_new=1"}]
    ((_, lines),) = its_signals(DRIFTED._replace(signals=signals))
    assert lines[1] == "of events with card_new=1 only"


def test_where_it_can_still_be_looked_at_it_says_how():
    told = next_steps(replace(summary([APPROVED]), drifted=DRIFTED), "shop.toml")
    assert ("headrace incidents list --charter shop-drift.toml") in dict(told)
