"""The schedule of learning anew, as it runs beside what decides."""

import os
import time

import pytest
from confluent_kafka import KafkaException

from headrace.chassis.clients import Clients
from headrace.chassis.clock import now_ms
from headrace.chassis.settings import KafkaSettings
from headrace.chassis.wiring import Wiring
from headrace.learning.retrainer import Retrainer
from headrace.models.keys import load_key
from support.charter_texts import card_fraud
from support.drifting import signal
from support.outcomes import LEARNING, outcome, publish
from support.running import run, until
from support.use_case import deployed

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]

EVERY_S = 5


@pytest.fixture
def deploy(stack, use_case, tmp_path):
    original = tmp_path / "card-fraud.toml"
    original.write_text(card_fraud(learning=False))

    def deploy(every=f"{EVERY_S}s", drift="retrain = false"):
        period = (
            f'freeze_every = 60\nretrain_every = "{every}"\n' if every else "freeze_every = 60\n"
        )
        declared = LEARNING.replace("freeze_every = 60\n", period)
        changes = {"[policy]\n": declared.replace("[policy]\n", f"[drift]\n{drift}\n\n[policy]\n")}
        return deployed(use_case, tmp_path, changes, original)

    return deploy


def versions(case):
    """The retrained versions of each model, in their order."""
    found = {"logistic": [], "bayes": []}
    for each in case.records("models"):
        if each["version"].endswith("-retrained"):
            found[each["name"]].append(each["version"])
    assert found["bayes"] == found["logistic"]
    return found["logistic"]


def niceness(pid):
    return os.getpriority(os.PRIO_PROCESS, pid)


def is_led(case, plural):
    """Whether a topic that was just made has a leader already."""
    try:
        return case.ends(plural)
    except KafkaException:
        return False


def first_versions(case):
    """What learning publishes of the first outcomes; nobody is told to serve."""
    publish(case, (outcome(case, number) for number in range(60)))
    with run(case, "learning") as learning:
        learning.until(lambda: len(case.records("models")) == 2)
        assert learning.stop() == 0
    assert case.records("servings") == []


def publications(*running):
    return sum(each.metrics()["headrace_models_published_total"] for each in running)


def test_what_is_due_is_learned_anew_once_by_two_instances_and_again_when_more_is_known(deploy):
    with deploy() as case:
        first_versions(case)
        with (
            run(case, "retraining", HEADRACE_INSTANCE="one") as one,
            run(case, "retraining", HEADRACE_INSTANCE="two") as two,
        ):
            until(lambda: versions(case) == ["60-retrained"], 60, one.errors)
            published = case.records("models")[-1]["published_at_ms"]
            assert published >= case.records("models")[0]["published_at_ms"] + 1_000 * EVERY_S
            assert "it is learned anew every 5s" in str(case.records("models")[-1]["manifest"])
            waits = "nothing has become known since the last time"
            until(lambda: waits in one.errors() and waits in two.errors(), 60, one.errors)
            assert versions(case) == ["60-retrained"]
            publish(case, (outcome(case, number) for number in range(60, 70)))
            until(lambda: len(versions(case)) > 1, 60, one.errors)
            assert one.is_ready()
            assert two.is_ready()
            assert niceness(one.process.pid) == min(niceness(os.getpid()) + 10, 19)
            until(lambda: publications(one, two) == 4, 60, one.errors)
            metrics = [each.metrics() for each in (one, two)]
            outcomes = {each["headrace_retraining_outcomes"] for each in metrics}
            due = max(each["headrace_retraining_due_timestamp_seconds"] for each in metrics)
            assert 70 in outcomes
            assert due >= published / 1_000 + EVERY_S
            assert [one.stop(), two.stop()] == [0, 0]
        assert versions(case) == ["60-retrained", "70-retrained"]
        assert case.records("servings") == [], "the champion serves unchanged"
        by_hand = case.headrace("models", "retrain")
        assert "since the last time" in by_hand.stdout, by_hand.stderr


def test_who_is_overtaken_while_it_publishes_publishes_nothing(deploy):
    with deploy() as case:
        publish(case, (outcome(case, number) for number in range(60)))
        until(lambda: is_led(case, "models"), 30)
        key = load_key(case.settings.signing_key)
        one, two = (
            Retrainer(case.charter, clients, Wiring(case.topics, case.registry), key, now_ms)
            for clients in (case.clients, Clients(KafkaSettings()))
        )
        others = []

        def overtaken(doing, at, end):
            if doing == "publishing" and not others:
                others.append(two.retrain(None, "the other", lambda *_: True))
            return True

        done = one.retrain(None, "this one", overtaken)
        assert len(others[0].published) == 2
        assert (done.published, done.refused) == ([], {})
        assert done.why_not == "somebody else has just published the same"
        assert versions(case) == ["60-retrained"]


def test_sigterm_ends_it_within_seconds_while_it_learns_and_nothing_of_that_is_published(deploy):
    with deploy() as case:
        first_versions(case)
        publish(case, (outcome(case, number) for number in range(60, 13_000)))
        with run(case, "retraining", HEADRACE_INSTANCE="one") as running:
            running.until(lambda: "learning: offset 10000 of" in running.errors(), 120)
            began = time.monotonic()
            assert running.stop() == 0
            assert time.monotonic() - began < 30
            assert "nothing of it is published" in running.errors()
        assert versions(case) == []


def test_it_does_not_start_where_nobody_has_declared_how_often(deploy):
    with deploy(every=None) as case, run(case, "retraining", ready=False) as running:
        assert running.process.wait(120) == 1
        assert 'retrain_every = "30d"' in running.errors()
        assert "Traceback" not in running.errors()


def test_a_drift_of_the_concept_has_models_learned_anew_at_once_and_once_though_it_is_killed(
    deploy,
):
    with deploy(every=None, drift='cool_down = "1d"') as case:
        first_versions(case)
        encode = case.encoder("signals")
        strange = signal(case.name, "concept")
        with run(case, "retraining") as first:
            case.publish([(None, encode(signal(case.name, "input")))], "signals")
            case.publish([(None, b"no signal"), (None, encode(strange))], "signals")
            until(lambda: versions(case) == ["60-retrained"], 60, first.errors)
            first.process.kill()
            first.process.wait(10)
        manifest = str(case.records("models")[-1]["manifest"])
        assert f"a drift was noticed: {strange['signal_id']}" in manifest
        publish(case, (outcome(case, number) for number in range(60, 70)))
        case.publish([(None, encode(signal(case.name, "calibration")))], "signals")
        published_s = max(each["published_at_ms"] for each in case.records("models")) / 1_000
        with run(case, "retraining") as second:
            due = "headrace_retraining_due_timestamp_seconds"
            cooled_s = published_s + 24 * 3_600
            second.until(lambda: abs(second.metrics().get(due, 0) - cooled_s) < 1)
            assert second.stop() == 0
        assert versions(case) == ["60-retrained"]
        assert len(case.records("models")) == 4
        assert case.records("servings") == [], "the champion serves unchanged"
