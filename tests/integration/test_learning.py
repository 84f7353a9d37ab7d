"""Learning as it runs: what it knows after a kill -9 is what it would have known without one."""

import random
import re

import pytest

from headrace.learning.standing import Standing
from headrace.usecase.charter import Charter
from support.running import run, until
from support.use_case import SHIPPED, deployed

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]

DAY = 86_400_000
OUTCOMES = 2_700
FREEZE_EVERY = 300
SNAPSHOT_EVERY = 500
FEATURES = len(Charter.load(SHIPPED).feature_set.names)
CHANGES = {"freeze_every = 1_000": f"freeze_every = {FREEZE_EVERY}"}


@pytest.fixture
def case(stack, use_case, tmp_path):
    with deployed(use_case, tmp_path, CHANGES) as case:
        yield case


def outcome(case, number):
    rnd = random.Random(number)
    features = [rnd.gauss(0, 1) for _ in range(FEATURES)]
    occurred_ms = 1_700_000_000_000 + number * DAY
    return {
        "decision_id": f"{case.name}.events:0:{number}",
        "event_id": f"event-{number}",
        "use_case": case.name,
        "key": f"card-{number % 17}",
        "occurred_at_ms": occurred_ms,
        "decided_at_ms": occurred_ms,
        "amount_minor": 1_000,
        "currency": "EUR",
        "charter_digest": case.charter.digest,
        "feature_set": case.charter.feature_set.digest,
        "features": features,
        "model": "expert-scorecard",
        "model_version": "1",
        "model_digest": bytes(32),
        "arm": "champion",
        "arm_probability": 1.0,
        "score": 0.5,
        "action": "approve",
        "expected_cost_minor": 3,
        "stage": "live",
        "acted": True,
        "fallback": "",
        "value": None if number % 13 == 0 else features[0] > 1,
        "source": "chargeback",
        "known_at_ms": occurred_ms + 61 * DAY,
        "delay_ms": 61 * DAY,
        "revision": 1,
        "replaces": None,
    }


def publish(case, numbers):
    encode = case.encoder("outcomes")
    records = [outcome(case, number) for number in numbers]
    case.publish([(each["key"], encode(each)) for each in records], "outcomes")
    return records


def uninterrupted(case, outcomes):
    standing = Standing(case.charter)
    for offset, record in enumerate(outcomes):
        standing.take(record, offset)
    return standing.digest().hex()


def digests(running):
    """The digests that a process had after it was restored, by offset."""
    found = re.findall(r"up to offset (\d+) has the digest ([0-9a-f]+)", running.errors())
    return {int(offset): digest for offset, digest in found}


def test_after_a_kill_it_knows_what_it_would_have_known_and_publishes_each_version_once(case):
    settings = {"HEADRACE_SNAPSHOT_EVERY": SNAPSHOT_EVERY}
    short = {"HEADRACE_SESSION_TIMEOUT_MS": 3_000}  # so that others have the partition soon
    outcomes = publish(case, range(OUTCOMES // 2))
    with run(case, "learning", HEADRACE_BATCH_RECORDS=50, **settings, **short) as first:
        first.until(lambda: first.metrics()["headrace_records_total"] > SNAPSHOT_EVERY + 100)
        first.process.kill()
        first.process.wait(10)
    outcomes += publish(case, range(OUTCOMES // 2, OUTCOMES))
    with run(case, "learning", **settings) as second:
        second.until(lambda: published(case) == FREEZES)
        assert second.metrics()["headrace_snapshots_total"] > 0
        assert second.stop() == 0
    ((killed_at, digest),) = digests(second).items()
    assert SNAPSHOT_EVERY < killed_at < OUTCOMES
    assert digest == uninterrupted(case, outcomes[:killed_at])
    with run(case, "learning", **settings) as third:
        assert digests(third) == {OUTCOMES: uninterrupted(case, outcomes)}
        assert third.stop() == 0
    assert published(case) == FREEZES


KNOWN = sum(number % 13 != 0 for number in range(OUTCOMES))
FREEZES = sorted(
    (name, str(version))
    for name in ("logistic", "forest", "both")
    for version in range(FREEZE_EVERY, KNOWN + 1, FREEZE_EVERY)
)


def published(case):
    return sorted((each["name"], each["version"]) for each in case.records("models"))


def test_the_champion_serves_once_it_would_have_cost_less_and_a_persons_word_stands(case):
    publish(case, range(OUTCOMES))
    with run(case, "learning") as learning:
        learning.until(lambda: published(case) == FREEZES)
        servings = case.records("servings")
        assert servings
        assert {(each["by"], each["name"]) for each in servings} == {("learning", "both")}
        version = servings[0]["version"]
        assert (
            case.headrace("models", "serve", "both", version, "--reason", "asked to").returncode
            == 0
        )
        until(lambda: len(case.records("servings")) == len(servings) + 1, 60)
        publish(case, range(OUTCOMES, OUTCOMES + 2 * FREEZE_EVERY))
        learning.until(lambda: len(published(case)) > len(FREEZES))
        assert learning.stop() == 0
    last = case.records("servings")[-1]
    assert (last["reason"], last["version"]) == ("asked to", version)


def test_evaluations_tell_how_good_each_model_was(case):
    publish(case, range(OUTCOMES))
    with run(case, "learning") as learning:
        learning.until(lambda: published(case) == FREEZES)
        assert learning.stop() == 0
    latest = {
        (each["model"], each["window_start_ms"]): each
        for each in case.records("evaluations")
        if each["label_source"] == "all"
    }
    assert {model for model, _ in latest} == {"served", "logistic", "forest", "both"}
    ranked = {
        model: [
            each["average_precision"]
            for (name, _), each in sorted(latest.items())
            if name == model and each["average_precision"] is not None
        ]
        for model in ("served", "both")
    }
    assert sum(ranked["both"][-10:]) > sum(ranked["served"][-10:])
