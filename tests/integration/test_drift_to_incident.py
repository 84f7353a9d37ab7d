"""From a drift to people who know of it, and back: all of it in one trace."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from headrace.chassis.telemetry import telemetry
from headrace.chassis.wiring import Wiring
from headrace.contracts.location import shipped
from headrace.demo.in_step import publish_in_step
from headrace.simulator.desk import LabelDesk
from headrace.simulator.kinds import DECIDED
from headrace.simulator.labelling import Labelling
from headrace.simulator.publisher import Publisher
from headrace.simulator.scenario import Drift, Scenario
from headrace.simulator.sources import simulated
from support.charter_texts import card_fraud
from support.outcomes import DAY, LEARNING, outcome
from support.receiver import receiving
from support.running import run, until
from support.use_case import START_MS, deployed

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]

PAYMENTS = shipped("deploy") / "demo/payments.toml"
EVENTS = 140_000
DRIFT = Drift.parse("data@2026-01-30/2026-02-03")
"""When enough is known of what is usual, and until it must have been noticed."""
HARMED = Scenario(1, 80_000, (Drift.parse("concept*2@2026-03-05/2026-03-16"),), 200)
"""Labels need a month, what is usual another one, and so does that it is usual again."""
DRIFTED = {"input/amount_minor", "input/distance_km", "quality/null/distance_km"}
TIMES = """
[alerting]
group_within = "1h"
cool_down = "1s"
escalate_after = "1h"
resolve_after = "5s"
reopen_within = "1h"
missing_after = "1h"
"""
"""Within seconds what would take minutes, and no more than one incident of a cause for that."""
ANEW = f"""
[drift]
cool_down = "1d"
{TIMES}
[policy]
"""


SOURCES = """
analyst = { delay = "4h", horizon = "3d" }
appeal = { delay = "1d", horizon = "14d" }
chargeback = { delay = "14d", horizon = "30d" }
correction = { delay = "1d", horizon = "30d", corrects = true }
"""
MONTH = {
    'horizon = "14d"\n\n[labels.sources]': 'horizon = "30d"\n\n[labels.sources]',
    '\nchargeback = { delay = "2d", horizon = "14d" }\n': SOURCES,
}
LEARNS = f"""
cool_down = "1d"
{TIMES}
[learning]
champion = "logistic"
negatives_share = 0.05
freeze_every = 1_000

[learning.models.logistic]
family = "logistic"

[policy]
"""


@pytest.fixture
def receiver():
    with receiving() as receiver:
        yield receiver


def alerting(case, receiver):
    settings = {
        "HEADRACE_WEBHOOK_URL": receiver.url,
        "HEADRACE_WEBHOOK_SECRET": "a secret of the tests",
        "HEADRACE_HEARTBEAT_EVERY_S": 0.5,
    }
    return run(case, "alerting", ready=False, **settings)


def states(case):
    """Of each incident, what it is now."""
    return {each["incident_id"]: each["state"] for each in case.records("incidents")}


def subjects(case, state):
    """What has drifted, or no longer does."""
    return {each["subject"] for each in case.records("signals") if each["state"] == state}


def trace_of(message):
    """The id of the trace that a record belongs to."""
    return dict(message.headers())["traceparent"].decode().split("-")[1]


def at(case, place):
    """The record at a place: topic, partition and offset."""
    topic, partition, offset = place
    (found,) = (
        each
        for each in case.messages(topic.removeprefix(f"{case.name}."))
        if (each.partition(), each.offset()) == (partition, offset)
    )
    return found


def sketched(case, sketch):
    """The records that a sketch is of."""
    said = case.decode(sketch.value())
    return [
        each
        for each in case.messages(said["source_topic"].removeprefix(f"{case.name}."))
        if each.partition() == said["source_partition"]
        and said["first_offset"] <= each.offset() <= said["last_offset"]
    ]


def evidence(record):
    return record["source_topic"], record["source_partition"], record["source_offset"]


def of_first_signal(case, cause):
    """What an incident began with: the signal, and its record."""
    number = next(
        each["incident_id"] for each in case.records("incidents") if each["cause"] == cause
    ).rpartition("-")[2]
    message = at(case, (case.topic("signals"), 0, int(number)))
    return case.decode(message.value()), message


def told_last(receiver):
    """Of each incident, what people were told last."""
    return {each.alert_id.rpartition("/")[0]: each.payload["status"] for each in receiver.alerts()}


def all_resolved(case, receiver):
    """Tell whether there was an incident, and people know that all of them are over."""
    told = told_last(receiver)
    return bool(told) and told == dict.fromkeys(states(case), "resolved")


def first_told(receiver, cause):
    return next(each for each in receiver.alerts() if each.alert_id.startswith(f"{cause}-"))


def is_of_an_input(case, message):
    signal = case.decode(message.value())
    return (signal["kind"], signal["state"]) == ("input", "raised")


def require_one_trace(case, message):
    """Follow a signal back to an event; returns what it was seen in."""
    trace_id = trace_of(message)
    sketch = at(case, evidence(case.decode(message.value())))
    assert trace_of(sketch) == trace_id
    (record,) = (each for each in sketched(case, sketch) if trace_of(each) == trace_id)
    plural = record.topic().removeprefix(f"{case.name}.")
    if plural == "decisions":
        assert trace_of(at(case, evidence(case.decode(record.value())))) == trace_id
    return plural


def publish_world(case, sketching):
    """Publish a world in which a drift is switched on, and off again."""

    def followed():  # events, and what became of them
        return sketching.metrics().get("headrace_records_total", 0) / 2

    with telemetry("headrace.publisher") as traced:
        publisher = Publisher(case.clients.producer(), case.topic("events"), traced)
        world = simulated(case.charter, case.registry, EVENTS, 1, drifts=(DRIFT,))
        assert publish_in_step(publisher, world, followed, Event()).published == EVENTS


def test_a_drift_of_the_simulator_is_one_incident_that_people_are_told_of_until_it_is_over(
    stack, use_case, tmp_path, receiver
):
    with (
        deployed(use_case, tmp_path, {"[reasons]\n": f"{TIMES}\n[reasons]\n"}, PAYMENTS) as case,
        run(case, "scoring", ready=False),
        run(case, "sketching", ready=False) as sketching,
        run(case, "drift", ready=False) as drift,
        alerting(case, receiver) as alerts,
    ):
        sketching.until(sketching.is_ready)
        publish_world(case, sketching)
        drift.until(lambda: subjects(case, "cleared") >= DRIFTED, 120)
        assert sketching.metrics()["headrace_watched_passed_over_total"] == 0
        alerts.until(lambda: all_resolved(case, receiver))

        assert subjects(case, "raised") <= DRIFTED | {"score/served"}
        incidents = case.records("incidents")
        causes = Counter({each["incident_id"]: each["cause"] for each in incidents}.values())
        assert causes["data"] == 1, "inputs and nulls that drift at once are one thing"
        assert causes <= Counter(["data", "model"]), "its scores may drift with it"

        told = first_told(receiver, "data").payload
        assert told["status"] == "firing"

        _, first = of_first_signal(case, "data")
        assert first_told(receiver, "data").headers["traceparent"].split("-")[1] == trace_of(first)
        grown = next(each for each in case.messages("signals") if is_of_an_input(case, each))
        assert trace_of(grown) in set(map(trace_of, case.messages("incidents")))
        plurals = [require_one_trace(case, each) for each in (first, grown)]
        assert plurals[-1] == "decisions"


def outcomes(case, numbers, seen, model="scorecard"):
    """Outcomes, a minute after the other; frauds get high scores where they are seen."""
    rnd = random.Random(numbers.start)
    for number in numbers:
        value = rnd.random() < 0.3
        score = rnd.betavariate(6, 2) if value and seen else rnd.betavariate(2, 6)
        at_ms = START_MS + (62 * DAY + number * 60_000 if number else 0)
        yield outcome(
            case,
            number,
            value,
            score=score,
            model=model,
            occurred_at_ms=at_ms,
            known_at_ms=at_ms + DAY,
        )


def publish(case, made):
    """Write outcomes, each in a trace of its own."""
    encode, producer = case.encoder("outcomes"), case.clients.producer()
    for number, each in enumerate(made, start=1):
        traceparent = f"00-{number:032x}-00f067aa0ba902b7-00".encode()
        headers = [("traceparent", traceparent)]
        producer.produce(case.topic("outcomes"), encode(each), each["key"], headers=headers)
    assert producer.flush(60) == 0


def retrained(case):
    """The champion's versions that were learned anew."""
    return [
        each
        for each in case.records("models")
        if each["name"] == "logistic" and each["version"].endswith("-retrained")
    ]


def test_a_drift_of_the_concept_has_a_challenger_learned_and_is_over_once_that_serves(
    stack, use_case, tmp_path, receiver
):
    original = tmp_path / "card-fraud.toml"
    original.write_text(card_fraud(learning=False))
    changes = {"[policy]\n": LEARNING.replace("\n[policy]\n", ANEW)}
    with (
        deployed(use_case, tmp_path, changes, original) as case,
        run(case, "drift", ready=False) as drift,
        run(case, "learning", ready=False) as learning,
        run(case, "retraining", ready=False) as retraining,
        alerting(case, receiver) as alerts,
    ):
        publish(case, outcomes(case, range(800), seen=True))
        drift.until(lambda: case.is_drained("drift", "outcomes"))
        learning.until(lambda: case.is_drained("learning", "outcomes"))
        assert case.records("signals") == []
        assert retrained(case) == []

        publish(case, outcomes(case, range(800, 900), seen=False))
        alerts.until(receiver.alerts)
        retraining.until(lambda: retrained(case))
        signal, message = of_first_signal(case, "model")
        assert signal["kind"] == "concept"
        assert case.records("incidents")[0]["severity"] == "critical"
        (challenger,) = retrained(case)
        manifest = str(challenger["manifest"])
        assert any(each["signal_id"] in manifest for each in case.records("signals"))
        trace_id = first_told(receiver, "model").headers["traceparent"].split("-")[1]
        assert trace_id == trace_of(message) == trace_of(at(case, evidence(signal)))

        name, version = challenger["name"], challenger["version"]
        served = case.headrace("models", "serve", name, version, "--reason", "a drift")
        assert served.returncode == 0, served.stderr
        assert case.records("servings")[-1]["digest"] == challenger["digest"]
        publish(case, outcomes(case, range(900, 910), seen=True, model=name))
        alerts.until(lambda: all_resolved(case, receiver))
        assert len(states(case)) == 1
        cleared = [each for each in case.records("signals") if each["state"] == "cleared"]
        assert {each["reason"] for each in cleared} == {"another model serves"}
        assert len(retrained(case)) == 1


def is_of(case, message, event_id):
    return case.decode(message.value())["event_id"] == event_id


def is_of_a_fraud(case, message):
    """Tell whether it was raised as a fraud became known: by a label, since nothing else tells."""
    signal = case.decode(message.value())
    if signal["state"] != "raised" or signal["kind"] not in {"concept", "calibration"}:
        return False
    return case.decode(at(case, evidence(signal)).value())["value"]


def require_one_trace_of_an_outcome(case, message):
    """Follow a signal back to the event, by the label that made the outcome known."""
    known = at(case, evidence(case.decode(message.value())))
    event_id = case.decode(known.value())["event_id"]
    label, decision = (
        next(each for each in case.messages(plural) if is_of(case, each, event_id))
        for plural in ("labels", "decisions")
    )
    event = at(case, evidence(case.decode(decision.value())))
    assert {trace_of(each) for each in (known, label, decision, event)} == {trace_of(message)}


def publish_harmed_world(case, scoring):
    """Publish a world of which labels become known, as far as it goes."""
    wiring, (seed, events, drifts, days) = Wiring(case.topics, case.registry), HARMED
    decisions, labels = (wiring.channel(case.topic(each)) for each in ("decisions", "labels"))
    desk, stop = LabelDesk(HARMED), Event()
    partitions = case.topics[labels.topic].partitions
    labelling = Labelling(case.clients, desk, decisions, labels, partitions, wait_ms=0)

    def followed():
        return scoring.metrics().get("headrace_records_total", 0)

    with telemetry("headrace.publisher") as traced, ThreadPoolExecutor(1) as pool:
        publisher = Publisher(case.clients.producer(), case.topic("events"), traced)
        said = pool.submit(labelling.run, stop)
        world = simulated(case.charter, case.registry, events, seed, drifts=drifts, days=days)
        try:
            published = publish_in_step(publisher, world, followed, stop)
            decided = sum(published.by_kind[kind] for kind in DECIDED)
            until(lambda: said.done() or desk.decided == decided, 120)
        finally:
            stop.set()
        said.result()


@pytest.mark.timeout(2_400)  # retraining yields to all others, and these may be busy
def test_thieves_who_change_their_ways_are_one_incident_and_a_challenger_until_they_are_gone(
    stack, use_case, tmp_path, receiver, monkeypatch
):
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_on")
    changes = {"\n[policy]\n": LEARNS, **MONTH}
    with deployed(use_case, tmp_path, changes, PAYMENTS) as case:
        with (
            run(case, "scoring") as scoring,
            run(case, "labelling") as labelling,
        ):
            publish_harmed_world(case, scoring)
            labelling.until(lambda: case.is_drained("labelling", "decisions", "labels"), 120)
        with run(case, "learning", ready=False) as learning:
            learning.until(lambda: case.records("models"), 120)
        with (
            run(case, "retraining", ready=False) as retraining,
            run(case, "drift", ready=False) as drift,
            alerting(case, receiver) as alerts,
        ):
            drift.until(lambda: case.is_drained("drift", "outcomes"), 120)
            retraining.until(lambda: retrained(case), 300)
            alerts.until(lambda: all_resolved(case, receiver))

        print(*case.records("signals"), *case.records("incidents"), sep="\n")
        assert len(states(case)) == 1
        _, first = of_first_signal(case, "model")
        told = first_told(receiver, "model")
        assert told.headers["traceparent"].split("-")[1] == trace_of(first)
        harmful = [each for each in case.messages("signals") if is_of_a_fraud(case, each)]
        assert harmful, "the score and its chances are wrong about them"
        for each in harmful:
            require_one_trace_of_an_outcome(case, each)
            assert trace_of(each) in set(map(trace_of, case.messages("incidents")))
        (challenger,) = retrained(case)
        manifest = str(challenger["manifest"])
        assert any(each["signal_id"] in manifest for each in case.records("signals"))
