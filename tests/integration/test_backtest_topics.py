"""Backtests of what stands in topics: a live run decided again, and its history replayed."""

import json
import subprocess
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from headrace.backtesting.replay import SCORECARD, SERVED
from support.running import run, until
from support.use_case import PROGRAM, deployed

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]

HORIZON_MS = 62 * 86_400_000
EVENTS = 1_200
LATER = 300
FIRST = '[[features]]\nname = "amount_minor"\n'
PROFILE = """
[profiles]
merchant = { key = "merchant_id" }

[[features]]
name = "merchant_share_90d"
profile = "merchant"
measure = "positive_share"
window = "90d"
delay = "1d"

[[features]]
name = "amount_minor"
"""
TERM = "merchant_share_90d = { mean = 0, scale = 0.1, weight = 0.1 }\n"
CHANGES = {
    FIRST: PROFILE,
    "[model.features]\n": f"[model.features]\n{TERM}",
    "freeze_every = 1_000": "freeze_every = 250",
    "trees = 5": "trees = 2",
}


@pytest.fixture
def case(use_case, tmp_path):
    with deployed(use_case, tmp_path, CHANGES) as case:
        yield case


def simulate(case):
    """Publish a slice of the simulated world, with all its labels."""
    world = ["--simulate", str(EVENTS), "--labels"]
    done = subprocess.run(
        [PROGRAM, "publish", *world, "--charter", case.path],
        env=case.environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def publish_later(case, known):
    """Publish some events again, as others that happened when all was known of the first ones."""
    encode, last_ms = case.encoder("events"), max(each["occurred_at_ms"] for each in known)
    some = known[-LATER:]
    later_ms = last_ms - min(each["occurred_at_ms"] for each in some) + HORIZON_MS
    records = [
        {
            **each,
            "event_id": f"later-{each['event_id']}",
            "occurred_at_ms": each["occurred_at_ms"] + later_ms,
        }
        for each in some
    ]
    case.publish((each["card_id"], encode(each)) for each in records)


def decided(case):
    """The events that were decided, in the order of their times."""
    places = {
        (each["source_partition"], each["source_offset"]) for each in case.records("decisions")
    }
    found = [
        case.decode(message.value())
        for message in case.messages("events")
        if (message.partition(), message.offset()) in places
    ]
    return sorted(found, key=lambda each: each["occurred_at_ms"])


def live_run(case):
    """Decide, label, learn and profile; the later events are decided by a model that was learned.

    Returns
    -------
    The first day of a protocol whose test week is that of the last of the first events.
    """
    with ExitStack() as services:
        scorer, labelling, learning, profiling = running = [
            services.enter_context(run(case, name, ready=False))
            for name in ("scoring", "labelling", "learning", "profiling")
        ]
        for service in running:
            service.until(service.is_ready)
        simulate(case)
        until(lambda: case.is_drained("labelling", "decisions", "labels"), 60, labelling.errors)
        until(lambda: case.is_drained("profiling", "observations"), 60, profiling.errors)
        learning.until(lambda: "both" in {each["name"] for each in case.records("models")})
        served = case.headrace("models", "serve", "both", "--reason", "to see a swap")
        assert served.returncode == 0, served.stderr
        scorer.until(lambda: scorer.metrics()["headrace_models_swapped_total"] >= 1)
        known = decided(case)
        publish_later(case, known)
        scorer.until(case.is_done)
        for service in running:
            assert service.stop() == 0
    last = datetime.fromtimestamp(known[-1]["occurred_at_ms"] / 1_000, UTC)
    return (last - timedelta(days=20)).date()


def backtest(case, *arguments, code=0):
    done = case.headrace("backtest", "--topics", "--json", *arguments)
    assert done.returncode == code, done.stderr + done.stdout
    return json.loads(done.stdout)


def test_a_live_run_is_the_same_when_decided_again_and_its_history_can_be_replayed(case):
    train_from = live_run(case)
    decisions = case.records("decisions")
    models = {each["model"] for each in decisions}
    assert models == {"expert-scorecard", "both"}
    place = case.charter.feature_set.names.index("merchant_share_90d")
    assert any(each["features"][place] for each in decisions), "profiles had something to say"

    told = backtest(case, "--as-decided")
    assert (told["compared"], told["different"]) == (len(decisions), 0)
    assert told["incomparable"] == {}

    replayed = backtest(case, "--train-from", str(train_from))
    assert replayed["events"] + sum(replayed["events_left_out"].values()) == len(
        case.messages("events")
    )
    assert replayed["labels"] == sum(each["kind"] == "label" for each in case.records("labels"))
    assert set(replayed["versions"]) == {SCORECARD, "logistic", "forest", "both"}
    assert {SERVED, SCORECARD} <= replayed["measured"].keys()

    wrong = {**decisions[100], "score": decisions[100]["score"] / 2}
    case.publish([(wrong["key"], case.encoder("decisions")(wrong))], "decisions")
    told = backtest(case, "--as-decided", code=1)
    assert (told["different"], told["fields"]) == (1, {"score": 1})
    (example,) = told["examples"]
    assert (example["event_id"], example["live"]) == (wrong["event_id"], wrong["score"])
    assert example["again"] == decisions[100]["score"]
