"""Drift as it runs: what drifts is told once, though it is killed, and what is over is told too."""

import random
from itertools import pairwise

import pytest

from headrace.contracts.codec import Undecodable
from headrace.contracts.schemas import nullable_fields
from headrace.drift.recording import Evidence, signal_changed
from headrace.drift.watch import Watch
from support.drifting import DAY_MS, START_MS, Traffic
from support.outcomes import outcome, publish
from support.running import run, until
from support.use_case import deployed

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]

FEATURE = "amount_minor"
QUIET, SHIFTED, AFTER = 290, 12, 40
INPUTS = ("sketches", "outcomes")
SEGMENTS = {"[policy]\n": '[drift]\nsegments = ["card_new"]\n\n[policy]\n'}


@pytest.fixture
def case(stack, use_case, tmp_path):
    with deployed(use_case, tmp_path, SEGMENTS) as case:
        yield case


def sketches(case):
    """A feature shifts for three days, and one sketch cannot be read."""
    traffic, encode, made = Traffic(case.charter, 3), case.encoder("sketches"), []
    for number in range(QUIET + SHIFTED + AFTER):
        is_shifted = QUIET <= number < QUIET + SHIFTED
        made.append(encode(traffic.decisions({FEATURE: 2} if is_shifted else {})))
        made.append(encode(traffic.events()))
        if number == QUIET // 2:
            made.append(b"no sketch")
        traffic.passes()
    return [(None, each) for each in made]


def outcomes(case):
    """Frauds get high scores; the last ones don't. All cards are new."""
    rnd = random.Random(3)
    features = [float(name == "card_new") for name in case.charter.feature_set.names]
    for number in range(900):
        at_ms = START_MS + (62 * DAY_MS + number * 60_000 if number else 0)
        value = rnd.random() < 0.3
        is_seen = value and number < 800
        yield outcome(
            case,
            number,
            value,
            features=features,
            score=rnd.betavariate(6, 2) if is_seen else rnd.betavariate(2, 6),
            occurred_at_ms=at_ms,
            known_at_ms=at_ms + DAY_MS,
        )


def told_by_one_that_nobody_kills(case):
    watch, told = Watch(case.charter, nullable_fields(case.charter.events.schema)), []
    for plural, take in zip(INPUTS, (watch.sketch, watch.outcome), strict=True):
        for message in case.messages(plural):
            try:
                record = case.decode(message.value())
            except Undecodable:
                continue
            last = Evidence(case.topic(plural), 0, message.offset())
            told += [signal_changed(case.name, each, last) for each in take(record)]
    return told


def in_order(signals):
    """By input; which of two inputs is read first nobody says, nor so what features are then."""
    ordered = sorted(signals, key=lambda each: (each["source_topic"], each["source_offset"]))
    return [
        each | {"features": []} if each["source_topic"].endswith(".outcomes") else each
        for each in ordered
    ]


def test_what_drifts_is_told_once_though_drift_is_killed(case):
    case.publish(sketches(case), "sketches")
    publish(case, outcomes(case))
    with run(case, "drift", HEADRACE_BATCH_RECORDS=23) as first:
        first.until(lambda: first.metrics().get("headrace_records_total", 0) > 500)
        first.process.kill()
        first.process.wait(10)
    with run(case, "drift", HEADRACE_BATCH_RECORDS=31) as second:
        until(lambda: case.is_drained("drift", *INPUTS), 60, second.errors)
        assert second.metrics()["headrace_paused"] == 0
        assert second.stop() == 0
    signals = case.records("signals")
    assert in_order(signals) == in_order(told_by_one_that_nobody_kills(case))
    raised, cleared = (each for each in signals if each["kind"] == "input")
    assert (raised["subject"], raised["state"]) == (f"input/{FEATURE}", "raised")
    assert (cleared["signal_id"], cleared["state"]) == (raised["signal_id"], "cleared")
    assert cleared["reason"] == "it is as before"
    concept = [each for each in signals if each["kind"] == "concept"]
    assert concept[0]["state"] == "raised"
    assert concept[0]["model"] == "scorecard"
    assert concept[0]["since_ms"] < concept[0]["noticed_at_ms"]
    assert {each["kind"] for each in signals} <= {"input", "concept", "calibration"}
    assert {each["segment"] for each in signals} == {"", "card_new=1"}
    (letter,) = case.records("sketches.dlq")
    assert letter["service"] == "drift"
    keys = [message.key().decode() for message in case.messages("signals")]
    assert keys == [each["subject"] for each in signals]
    changes = [each["state"] for each in signals if each["subject"] == concept[0]["subject"]]
    assert all(a != b for a, b in pairwise(changes))
