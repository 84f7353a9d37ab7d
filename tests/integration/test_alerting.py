"""Alerting as it runs: signals become incidents, and people are told, through a kill -9."""

import hmac
import json
from collections import defaultdict
from hashlib import sha256

import pytest

from headrace.commands import incidents, silences
from headrace.errors import HeadraceError
from support.receiver import receiving
from support.running import run
from support.use_case import deployed

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]

SHARED = "a secret of the tests"
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
RULES = """
[alerting]
group_within = "1s"
cool_down = "1s"
escalate_after = "2s"
resolve_after = "1s"
reopen_within = "1h"
missing_after = "2s"

[[kpis]]"""
KINDS = {
    "model": ["concept/error", "calibration/all", "score/mean"],
    "data": ["input/amount_minor", "quality/null_share/distance_km"],
}


@pytest.fixture
def case(stack, use_case, tmp_path):
    with deployed(use_case, tmp_path, {"\n[[kpis]]": RULES}) as case:
        yield case


@pytest.fixture
def receiver():
    with receiving() as receiver:
        yield receiver


def alerting(case, receiver, **environment):
    settings = {
        "HEADRACE_WEBHOOK_URL": receiver.url,
        "HEADRACE_WEBHOOK_SECRET": SHARED,
        "HEADRACE_WEBHOOK_RETRY_S": 0.1,
        "HEADRACE_HEARTBEAT_EVERY_S": 0.2,
        "HEADRACE_INSTANCE": "alerting-a",
        "HEADRACE_SESSION_TIMEOUT_MS": 6_000,
    }
    return run(case, "alerting", **{**settings, **environment})


def signal(case, subject, number=0, state="raised"):
    """A hand-made signal: its key and its value."""
    record = {
        "signal_id": f"{subject}@{number}",
        "use_case": case.name,
        "kind": subject.split("/")[0],
        "subject": subject,
        "segment": "",
        "state": state,
        "reason": "as before" if state == "cleared" else "",
        "since_ms": 1_767_225_600_000,
        "noticed_at_ms": 1_767_312_000_000,
        "observed": 812,
        "measure": "a measure",
        "before": 0.012,
        "after": 0.034,
        "magnitude": 2.4,
        "once_in": 3.1e8,
        "detector": "adwin",
        "features": [],
        "examples": [],
        "model": "",
        "model_version": "",
        "source_topic": f"{case.name}.outcomes",
        "source_partition": 0,
        "source_offset": number,
    }
    return subject, case.encoder("signals")(record)


def publish(case, *signals):
    case.publish(signals, "signals")


def changes(case, incident=None):
    """What has become of the incidents, as they were recorded."""
    records = case.records("incidents")
    return [each["change"] for each in records if incident in (None, each["incident_id"])]


def raised(case):
    """The ids of the alerts that were raised, signs of life aside."""
    return [a["alert_id"] for a in case.records("alerts") if a["change"] != "watchdog"]


def test_a_signal_becomes_one_incident_and_one_delivery_that_names_whom_and_what_to_do(
    case, receiver
):
    with alerting(case, receiver) as service:
        producer = case.clients.producer()
        key, value = signal(case, "concept/error")
        producer.produce(
            case.topic("signals"), value, key, headers=[("traceparent", TRACEPARENT.encode())]
        )
        producer.flush(30)
        service.until(receiver.alerts)
        delivery, *_ = receiver.alerts()
        assert changes(case)[0] == "opened"
        assert service.stop() == 0
    incident = case.records("incidents")[0]["incident_id"]
    assert delivery.alert_id == f"{incident}/1"
    when, signed = (
        each.split("=")[1] for each in delivery.headers["x-headrace-signature"].split(",")
    )
    content = when.encode() + b"." + delivery.body
    assert signed == hmac.new(SHARED.encode(), content, sha256).hexdigest()
    payload = delivery.payload
    assert payload["version"] == "4"
    assert payload["status"] == "firing"
    assert payload["commonLabels"]["owner"] == case.charter.owner.name
    [alert] = payload["alerts"]
    assert alert["labels"]["alertname"] == "concept"
    assert alert["labels"]["severity"] == "critical"
    assert alert["annotations"]["runbook_url"] == "docs/runbooks/concept.md"
    trace_id = TRACEPARENT.split("-")[1]
    assert delivery.headers["traceparent"].split("-")[1] == trace_id
    alerts = [m for m in case.messages("alerts") if m.key() == incident.encode()]
    carried = dict(alerts[0].headers())["traceparent"].decode()
    assert carried.split("-")[1] == trace_id
    watchdogs = [each for each in receiver.deliveries if each.is_watchdog]
    assert watchdogs
    assert {each["state"] for each in case.records("heartbeats")} == {"running", "left"}


def test_what_comes_at_once_is_one_incident_and_people_say_what_becomes_of_it(
    case, receiver, capsys
):
    with alerting(case, receiver) as service:
        subjects = [f"input/feature_{number}" for number in range(5)]
        publish(case, *(signal(case, subject) for subject in subjects))
        service.until(receiver.alerts)
        [incident] = {each["incident_id"] for each in case.records("incidents")}
        said = case.headrace("incidents", "ack", incident, "--reason", "I look", "--by", "ada")
        assert said.returncode == 0, said.stderr
        service.until(lambda: "acknowledged" in changes(case))
        service.until(lambda: "cooled_down" in receiver.changes())
        publish(case, *(signal(case, subject, state="cleared") for subject in subjects))
        service.until(lambda: "resolved" in receiver.changes())
        assert receiver.alerts()[-1].payload["status"] == "resolved"
        history = changes(case)
        assert "escalated" not in history[history.index("acknowledged") :]
        publish(case, signal(case, subjects[0], number=1))
        service.until(lambda: "reopened" in receiver.changes())
        silences.silence(incident, lasting="1h", reason="known", charter=case.path)
        service.until(lambda: "silenced" in changes(case))
        service.until(lambda: set(raised(case)) == {each.alert_id for each in receiver.alerts()})
        told = len(receiver.alerts())
        publish(case, signal(case, subjects[1], number=1))
        service.until(lambda: changes(case)[-1] == "grown")
        incidents.resolve(incident, reason="mended", charter=case.path)
        service.until(lambda: changes(case)[-1] == "resolved")
        assert len(receiver.alerts()) == told, "nobody is told of what is silenced"
    capsys.readouterr()
    incidents.show(incident, charter=case.path, json=True)
    shown = json.loads(capsys.readouterr().out)
    assert {"ada"} == {each["by"] for each in shown["timeline"] if each["change"] == "acknowledged"}
    incidents.list_(every=True, charter=case.path, json=True)
    listed = json.loads(capsys.readouterr().out)
    assert [each["incident_id"] for each in listed["incidents"]] == [incident]
    assert [each["incident_id"] for each in listed["silences"]] == [incident]
    assert [each["command"] for each in case.records("incident-commands")] == [
        "ack",
        "silence",
        "resolve",
    ]


def test_a_cause_is_silenced_ahead_of_time_through_a_kill_9_and_until_somebody_ends_it(
    case, receiver, capsys
):
    with alerting(case, receiver) as first:
        said = case.headrace(
            *("incidents", "silence", "--cause", "data", "--lasting", "1h"),
            *("--reason", "a maintenance", "--by", "ada"),
        )
        assert said.returncode == 0, said.stderr
        first.until(lambda: case.is_drained("alerting", "incident-commands"))
        first.process.kill()
        first.process.wait(10)
    with alerting(case, receiver) as second:
        publish(case, signal(case, "input/amount_minor"), signal(case, "concept/error"))
        second.until(receiver.alerts)
        second.until(lambda: len(case.records("incidents")) >= 3)
        [silenced] = {
            each["incident_id"] for each in case.records("incidents") if each["cause"] == "data"
        }
        assert changes(case, silenced) == ["opened", "silenced"]
        capsys.readouterr()
        incidents.list_(charter=case.path, json=True)
        [lasts] = json.loads(capsys.readouterr().out)["silences"]
        assert (lasts["cause"], lasts["by"], lasts["reason"]) == ("data", "ada", "a maintenance")
        incidents.list_(charter=case.path)
        assert "Silences that last" in capsys.readouterr().out
        assert not any(each.alert_id.startswith("data") for each in receiver.alerts())
        silences.unsilence(cause="data", reason="it is over", charter=case.path)
        second.until(lambda: any(each.alert_id.startswith("data") for each in receiver.alerts()))
        told = [each.payload for each in receiver.alerts() if each.alert_id.startswith("data")]
        assert told[0]["commonAnnotations"]["change"] == "silence_ended"
        assert second.stop() == 0
    with pytest.raises(HeadraceError, match="No silence of all of the cause data lasts"):
        silences.unsilence(cause="data", reason="it is over", charter=case.path)


def test_what_nobody_acknowledges_escalates_and_a_receiver_that_fails_is_tried_again(
    case, receiver
):
    failures = iter([500, 500])
    receiver.answer = lambda alert_id: 200 if "watchdog" in alert_id else next(failures, 200)
    with alerting(case, receiver) as service:
        publish(case, signal(case, "concept/error"))
        service.until(lambda: "escalated" in receiver.changes())
        tried = [each for each in receiver.deliveries if each.alert_id.endswith("/1")]
        assert [each.status for each in tried] == [500, 500, 200]
        assert len({each.body for each in tried}) == 1
        receiver.answer = lambda alert_id: 400
        publish(case, signal(case, "serving/fallback"))
        service.until(lambda: case.records("alerts.dlq"))
    letter = case.records("alerts.dlq")[0]
    assert letter["reason"] == "undeliverable"


def test_alerting_is_killed_in_the_middle_and_neither_loses_nor_doubles_what_was_raised(
    case, receiver
):
    subjects = [subject for each in KINDS.values() for subject in each]
    signals = [
        signal(case, subject, number, state)
        for number in range(3)
        for subject in subjects
        for state in ("raised", "cleared")
    ]
    assert len(signals) == 30
    settings = {"HEADRACE_BATCH_RECORDS": 1}
    with alerting(case, receiver, **settings) as first:
        publish(case, *signals)
        first.until(receiver.alerts)
        first.process.kill()
        first.process.wait(10)
    with alerting(case, receiver, **settings) as second:
        second.until(lambda: case.is_drained("alerting", "signals"))
        publish(case, signal(case, "cost/marker".replace("cost", "serving"), 9))
        second.until(lambda: any("serving" in each.alert_id for each in receiver.alerts()))
        second.until(lambda: set(raised(case)) == {each.alert_id for each in receiver.alerts()})
        assert second.stop() == 0
    ids = raised(case)
    assert len(ids) == len(set(ids))
    bodies = defaultdict(set)
    for each in receiver.deliveries:
        bodies[each.alert_id].add(each.body)
    assert all(len(each) == 1 for each in bodies.values()), "a repeat has the same body"
    numbers = defaultdict(list)
    for each in case.records("incidents"):
        numbers[each["incident_id"]].append(each["number"])
    assert all(each == list(range(1, len(each) + 1)) for each in numbers.values())


def test_two_workers_double_nothing_and_one_that_is_killed_is_missed_by_the_other(case, receiver):
    with (
        alerting(case, receiver) as service,
        alerting(case, receiver, HEADRACE_INSTANCE="alerting-b") as other,
    ):
        publish(case, *(signal(case, subject) for subject in KINDS["model"]))
        service.until(receiver.alerts)
        other.process.kill()
        service.until(lambda: any(each.alert_id.startswith("live") for each in receiver.alerts()))
        ids = raised(case)
        assert len(ids) == len(set(ids))
        assert {each.alert_id for each in receiver.alerts()} <= set(ids)
        assert len({each.body for each in receiver.alerts()}) == len(
            {each.alert_id for each in receiver.alerts()}
        )
    missed = {
        each["subject"]
        for record in case.records("incidents")
        if record["cause"] == "liveness"
        for each in record["signals"]
    }
    assert "alerting/alerting-b" in missed
