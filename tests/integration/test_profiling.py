"""Profiles as they run: what a merchant has come to is in later vectors, through a kill -9."""

from collections import Counter
from itertools import count

import pytest

from headrace.usecase.buckets import Bucket
from support.running import run, scoring, until
from support.use_case import START_MS, deployed, transaction

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
BASE_MS = START_MS // HOUR_MS * HOUR_MS
MERCHANTS = 5
EVENTS = 600
FIRST = '[[features]]\nname = "amount_minor"\n'
PROFILES = """
[profiles]
merchant = { key = "merchant_id", throttle = "1h" }

[[features]]
name = "merchant_count_2d"
profile = "merchant"
measure = "count"
window = "2d"
delay = "1h"

[[features]]
name = "merchant_positives_2d"
profile = "merchant"
measure = "positives"
window = "2d"
delay = "1h"

[[features]]
name = "merchant_share_2d"
profile = "merchant"
measure = "positive_share"
window = "2d"
delay = "1h"

[[features]]
name = "amount_minor"
"""
TERMS = "".join(
    f"merchant_{each}_2d = {{ mean = 0, scale = 1, weight = 0 }}\n"
    for each in ("count", "positives", "share")
)
CHANGES = {
    'stage = "live"': 'stage = "shadow"',
    FIRST: PROFILES,
    "[model.features]\n": f"[model.features]\n{TERMS}",
}
NAMES = ("merchant_count_2d", "merchant_positives_2d", "merchant_share_2d")


@pytest.fixture
def case(use_case, tmp_path):
    with deployed(use_case, tmp_path, CHANGES) as case:
        yield case


def events(number):
    """Events of several merchants over half a day."""
    return [
        transaction(
            event_id=f"event-{n}",
            card_id=f"card-{n % 40}",
            merchant_id=f"merchant-{n % MERCHANTS}",
            occurred_at_ms=BASE_MS + (n + 1) * 12 * HOUR_MS // number,
        )
        for n in range(number)
    ]


def publish(case, records, plural="events", key="card_id"):
    encode = case.encoder(plural)
    case.publish([(each[key], encode(each)) for each in records], plural)


def label(event, value, source="chargeback", revision=1):
    return {
        "kind": "label",
        "event_id": event["event_id"],
        "key": event["card_id"],
        "source": source,
        "value": value,
        "observed_at_ms": event["occurred_at_ms"] + HOUR_MS,
        "revision": revision,
    }


def expected(counted, positive):
    """What each bucket must come to: of all decided events, and of those that are positive."""
    buckets = {}
    for event in counted:
        at = Bucket.of("merchant", event["merchant_id"], event["occurred_at_ms"], HOUR_MS)
        events, positives = buckets.get(at.name, (0, 0))
        buckets[at.name] = (events + 1, positives + (event["event_id"] in positive))
    return buckets


def published(case):
    """What is told of each bucket by now."""
    told = {}
    for message in case.messages("profiles"):
        name, value = message.key().decode(), message.value()
        if value is None:
            told.pop(name, None)
        else:
            record = case.decode(value)
            told[name] = (record["events"], record["positives"])
    return told


def expected_of(merchant, counted, positive):
    """What vectors of a later event must say of a merchant."""
    mine = [each["event_id"] for each in counted if each["merchant_id"] == merchant]
    frauds = len(positive.intersection(mine))
    return [len(mine), frauds, frauds / len(mine)]


def until_measured(case, scorer, expected):
    """Publish later events of merchant-1, until a vector says what is expected; return how many."""
    places = [case.charter.feature_set.names.index(name) for name in NAMES]
    asked = count()

    def is_measured():
        event_id = f"later-{next(asked)}"
        later = transaction(event_id=event_id, occurred_at_ms=BASE_MS + DAY_MS)
        publish(case, [later])
        until(case.is_done, 30, scorer.errors)
        (vector,) = [
            each["features"] for each in case.records("decisions") if each["event_id"] == event_id
        ]
        return [vector[place] for place in places] == expected

    until(is_measured, 60, scorer.errors)
    return next(asked)


def test_a_merchants_events_and_frauds_are_in_later_vectors_though_profiling_is_killed(case):
    known = events(EVENTS)
    frauds = [each for n, each in enumerate(known) if n % 3 == 0]
    cleared = frauds[::4]
    positive = {each["event_id"] for each in frauds} - {each["event_id"] for each in cleared}
    with scoring(case) as scorer, run(case, "labelling") as labelling:
        with run(
            case, "profiling", HEADRACE_BATCH_RECORDS=20, HEADRACE_SESSION_TIMEOUT_MS=6000
        ) as first:
            publish(case, known[: EVENTS // 2])
            first.until(lambda: first.metrics()["headrace_records_total"] > EVENTS / 4)
            first.process.kill()
            first.process.wait(10)
        publish(case, known[EVENTS // 2 :])
        labels = [label(each, value=True) for each in frauds]
        labels += [label(each, value=False, source="correction") for each in cleared]
        publish(case, labels, "labels", "key")
        with run(case, "profiling", HEADRACE_INSTANCE="another") as second:
            until(lambda: case.is_drained("labelling", "decisions", "labels"), 60, labelling.errors)
            until(lambda: case.is_drained("profiling", "observations"), 60, second.errors)
            until(lambda: published(case) == expected(known, positive), 60, second.errors)
            asked = until_measured(case, scorer, expected_of("merchant-1", known, positive))
            assert second.stop() == 0
        assert labelling.stop() == 0
        assert scorer.stop() == 0
    told = Counter(each["told"] for each in case.records("observations"))
    assert told == {"decided": EVENTS + asked, "positive": len(frauds), "retracted": len(cleared)}
    assert case.records("observations.dlq") == []
    verified = case.headrace("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
