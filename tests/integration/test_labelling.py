"""Labelling as it runs: each decision comes to what its labels say, through a kill -9."""

import json
import subprocess
from collections import Counter, defaultdict

import pytest

from support.running import run, scoring, until
from support.use_case import PROGRAM, deployed

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]

EVENTS = 3_000
IN_TIME = {'within = "2s"': 'within = "3600s"'}
"""What is decided too late is not approved."""


@pytest.fixture
def case(stack, use_case, tmp_path):
    with deployed(use_case, tmp_path, IN_TIME) as case:
        yield case


def expected(case):
    """What each event must be held to be in the end: by the labels that can speak of it."""
    sources, last = case.charter.labels.sources, defaultdict(list)
    for label in case.records("labels"):
        if label["kind"] == "label":
            last[label["event_id"]].append(label)
    values = {}
    for decision in case.records("decisions"):
        spoken = [
            (label["observed_at_ms"], label["source"], label["value"])
            for label in last[decision["event_id"]]
            if not sources[label["source"]].actions
            or decision["action"] in sources[label["source"]].actions
        ]
        if spoken:
            values[decision["event_id"]] = max(spoken)[-1]
        else:
            values[decision["event_id"]] = False if decision["action"] == "approve" else None
    return values


def test_every_decision_comes_to_what_its_labels_say_though_labelling_is_killed(case):
    publish = [PROGRAM, "publish", "--simulate", str(EVENTS), "--labels", "--json"]
    with scoring(case):
        with run(case, "labelling") as first:
            world = subprocess.Popen(
                [*publish, "--charter", case.path], env=case.environment(), stdout=subprocess.PIPE
            )
            first.until(lambda: first.metrics()["headrace_records_total"] > EVENTS / 2)
            first.process.kill()
            first.process.wait(10)
        with run(case, "labelling", HEADRACE_INSTANCE="another") as second:
            told, _ = world.communicate(timeout=400)
            assert world.returncode == 0
            until(lambda: case.is_drained("labelling", "decisions", "labels"), 60, second.errors)
            assert second.metrics()["headrace_state_keys"] > 0
            assert second.stop() == 0
    outcomes = case.records("outcomes")
    revisions, values = defaultdict(list), {}
    for outcome in outcomes:
        event = outcome["event_id"]
        assert outcome["replaces"] == (values.get(event) if revisions[event] else None)
        revisions[event].append(outcome["revision"])
        values[event] = outcome["value"]
    assert all(each == [*range(1, len(each) + 1)] for each in revisions.values())
    assert values == expected(case)
    assert Counter(type(each) for each in values.values())[bool] > EVENTS / 2
    assert json.loads(told)["labels"]
    assert case.records("labels.dlq") == case.records("decisions.dlq") == []


def test_labels_that_do_not_count_are_dead_letters_and_keep_their_bytes(case):
    encode = case.encoder("labels")
    label = {
        "kind": "label",
        "event_id": "e",
        "key": "card-1",
        "source": "analyst",
        "value": True,
        "observed_at_ms": 1_750_000_000_000,
        "revision": 1,
    }
    strange = [
        {**label, "source": "hearsay"},
        {**label, "observed_at_ms": 4_000_000_000_000},
        {**label, "key": "another"},
    ]
    values = [encode(each) for each in strange] + [b"no label", None]
    with run(case, "labelling", HEADRACE_DEAD_LETTER_LIMIT="false") as labelling:
        case.publish([("card-1", value) for value in values], "labels")
        labelling.until(lambda: case.is_drained("labelling", "labels"))
        assert labelling.stop() == 0
    letters = case.records("labels.dlq")
    assert [each["reason"] for each in letters] == [
        "unknown_source",
        "future",
        "key_mismatch",
        "bad_framing",
        "null_value",
    ]
    assert [each["value"] for each in letters] == values
    assert case.records("outcomes") == []
