"""The handlers over the state as the chassis keeps it: batches, restarts, traces, commands."""

from collections import Counter

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.alerting.app import Alerter
from headrace.alerting.payload import Payloads
from headrace.alerting.state import AlertingFormat
from headrace.alerting.taking import Taking
from headrace.alerting.writing import Writer
from headrace.chassis.records import Received
from headrace.chassis.stages import StageClock
from headrace.chassis.state import KeyedState
from headrace.chassis.tracing import Trace
from headrace.usecase.charter import Charter
from support.counting import json_channel
from support.use_case import SHIPPED

CHARTER = Charter.load(SHIPPED)
MINUTE = 60_000
START = 1_750_000_000_000 // MINUTE * MINUTE
TRACE = Trace("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "00f067aa0ba902b7", 1, False)


class Alerting:
    """The service without Kafka: records in, records out, and its state as a changelog."""

    def __init__(self, now_ms=lambda: START + 10**12):
        payloads = Payloads(CHARTER.name, CHARTER.owner)
        writer = Writer(CHARTER, payloads, json_channel("incidents"), json_channel("alerts"))
        takes = Taking(CHARTER.alerting).inputs
        self._handlers = {
            plural: Alerter(CHARTER, plural, take, writer, now_ms) for plural, take in takes.items()
        }
        self._state = KeyedState(AlertingFormat())
        self._changelog = {}
        self.out = {"incidents": [], "alerts": []}
        self.answers = []
        self.rejected = []
        self.counts = Counter()
        self._offset = 0

    def take(self, plural, *records):
        """Handle a batch: (minute, record) each, with a trace where there is a third."""
        received = []
        for minute, record, *trace in records:
            at_ms = START + round(minute * MINUTE)
            received.append(Received(0, self._offset, "", b"", record, at_ms, *trace))
            self._offset += 1
        overlay = self._state.overlay()
        handled = self._handlers[plural](received, overlay, StageClock())
        self._changelog.update({change.key: change for change in overlay.changes})
        overlay.merge({0})
        for outgoing in handled.outgoing:
            self.out[outgoing.topic] += [orjson.loads(value) for value in outgoing.values]
            if outgoing.topic == "alerts":
                self.answers += [outgoing.answers.get(n) for n in range(len(outgoing.values))]
        self.rejected += handled.rejected
        self.counts += handled.counts

    def restart(self):
        """Read the state again from the changelog."""
        self._state = KeyedState(AlertingFormat())
        for change in self._changelog.values():
            self._state.restore(change)

    def changes(self):
        return [each["change"] for each in self.out["incidents"]]

    def alerts(self):
        return [each for each in self.out["alerts"] if each["change"] != "watchdog"]


def signal(subject, number=0, state="raised"):
    return {
        "signal_id": f"{subject}@{number}",
        "kind": subject.partition("/")[0],
        "subject": subject,
        "state": state,
        "reason": "as before",
        "measure": "a measure",
        "before": 0.1,
        "after": 0.2,
    }


def heartbeat(instance="alerting", state="running"):
    return {
        "service": instance,
        "instance": "a",
        "state": state,
        "started_at_ms": START,
        "sent_at_ms": START,
        "records": 0,
        "dead_letters": 0,
    }


def command(incident="", word="ack", until=None, cause=None):
    return {
        "incident_id": incident,
        "command": word,
        "by": "ada",
        "reason": "because",
        "until_ms": until,
        "commanded_at_ms": START,
        "cause": cause,
    }


@pytest.fixture
def service():
    return Alerting()


def test_signals_of_one_cause_are_one_incident_and_of_two_causes_two(service):
    service.take(
        "signals",
        (0, signal("input/a")),
        (0, signal("quality/b")),
        (0, signal("concept/error")),
        (0, signal("calibration/all")),
    )
    assert {each["cause"] for each in service.out["incidents"]} == {"data", "model"}
    assert len({each["incident_id"] for each in service.out["incidents"]}) == 2
    assert [each["change"] for each in service.alerts()] == ["opened", "opened"]


def test_an_alert_names_the_owner_and_what_to_do(service):
    service.take("signals", (0, signal("concept/error")))
    [alert] = service.alerts()
    assert alert["owner"] == CHARTER.owner.name
    assert alert["contact"] == CHARTER.owner.contact
    assert alert["runbook"] == "docs/runbooks/concept.md"
    assert orjson.loads(alert["body"])["status"] == "firing"


def test_signs_of_life_tell_the_time_by_which_timers_go(service):
    service.take("signals", (0, signal("concept/error")))
    service.take("heartbeats", (29, heartbeat()))
    assert service.changes() == ["opened"]
    service.take("heartbeats", (30, heartbeat()))
    assert service.changes() == ["opened", "escalated"]


def test_alerting_gives_a_sign_of_life_once_a_minute_and_none_of_the_past():
    service = Alerting(now_ms=lambda: START + 10 * MINUTE)
    service.take("heartbeats", *((minute, heartbeat()) for minute in (0, 9, 9.5, 10)))
    watchdogs = [each["alert_id"] for each in service.out["alerts"]]
    assert watchdogs == [f"watchdog/{START // MINUTE + minute}" for minute in (9, 10)]


def test_a_service_that_is_missing_is_told_and_forgiven_when_it_returns(service):
    gone = heartbeat("learning", "left")
    service.take("heartbeats", (0, heartbeat("scoring")), *((n / 2, gone) for n in range(1, 4)))
    assert service.out["incidents"][-1]["cause"] == "liveness"
    service.take("heartbeats", (2, heartbeat("scoring")), (12, gone))
    assert service.changes() == ["opened", "cleared", "resolved"]


def test_what_somebody_says_about_no_incident_is_a_dead_letter(service):
    service.take("incident-commands", (0, command("model-signals-0-9")), (0, command("somebody's")))
    assert [each.reason for each in service.rejected] == ["invalid_value", "invalid_value"]


def test_what_is_no_command_is_a_dead_letter_and_acknowledges_nothing(service):
    service.take("signals", (0, signal("input/a")))
    incident = service.out["incidents"][0]["incident_id"]
    service.take("incident-commands", (0, command(incident, word="unack")))
    assert [each.reason for each in service.rejected] == ["invalid_value"]
    assert service.changes() == ["opened"]


def test_a_host_whose_clock_is_ahead_makes_nobody_silent_and_hides_nobody():
    minutes = 0.5
    service = Alerting(now_ms=lambda: START + round(minutes * MINUTE))
    service.take("heartbeats", (0, heartbeat("scoring")), (50, heartbeat("learning")))
    assert service.changes() == []
    for minutes in (0.8, 1.0):
        service.take("heartbeats", (minutes, heartbeat("learning")))
    assert service.changes() == []
    minutes = 1.2
    service.take("heartbeats", (minutes, heartbeat("learning")))
    assert service.changes() == ["opened"], "scoring was heard of more than a minute ago"


@pytest.mark.parametrize(
    "said",
    [
        command(cause="weather", word="silence", until=START + MINUTE),
        command(cause="data", word="ack"),
        command("data-signals-0-0", cause="data", word="silence", until=START + MINUTE),
    ],
    ids=["no cause", "no silence", "an incident and a cause"],
)
def test_of_a_cause_nothing_can_be_said_but_that_it_is_silenced(service, said):
    service.take("signals", (0, signal("input/a")))
    service.take("incident-commands", (0, said))
    assert [each.reason for each in service.rejected] == ["invalid_value"]
    assert service.changes() == ["opened"]


def test_a_cause_is_silenced_before_anything_has_happened_and_others_are_not(service):
    said = command(cause="data", word="silence", until=START + 90 * MINUTE)
    service.take("incident-commands", (0, said))
    service.restart()
    service.take("signals", (1, signal("input/a")), (1, signal("concept/error")))
    assert service.changes() == ["opened", "silenced", "opened"]
    assert [each["incident_id"] for each in service.alerts()] == ["model-signals-0-2"]
    silenced = service.out["incidents"][1]
    assert silenced["silenced_until_ms"] == START + 90 * MINUTE
    assert (silenced["by"], silenced["reason"]) == ("ada", "because")
    service.restart()
    service.take("heartbeats", (90, heartbeat()))
    [told] = [each for each in service.alerts() if each["incident_id"].startswith("data")]
    assert (told["change"], told["status"]) == ("silence_ended", "firing")


def test_what_somebody_says_is_recorded_with_who_and_why(service):
    service.take("signals", (0, signal("concept/error")))
    service.take("incident-commands", (1, command("model-signals-0-0")))
    last = service.out["incidents"][-1]
    assert (last["change"], last["by"], last["reason"]) == ("acknowledged", "ada", "because")
    assert last["state"] == "acknowledged"


def test_an_alert_goes_on_in_the_trace_of_its_signal_even_when_time_has_caused_it(service):
    service.take("signals", (0, signal("concept/error"), TRACE))
    service.take("heartbeats", (31, heartbeat()))
    opened, escalated = (each for each in service.answers if each)
    assert opened.trace == TRACE
    assert escalated.trace.trace_id == TRACE.trace_id
    assert escalated.trace.headers(escalated.trace.span_id)[0][1].startswith(b"00-4bf92f35")


RECORDS = st.lists(
    st.one_of(
        st.builds(
            lambda subject, number, state: ("signals", signal(subject, number, state)),
            st.sampled_from(["input/a", "quality/b", "concept/error", "serving/fallback"]),
            st.integers(0, 2),
            st.sampled_from(["raised", "cleared"]),
        ),
        st.builds(
            lambda instance, state: ("heartbeats", heartbeat(instance, state)),
            st.sampled_from(["alerting", "scoring", "learning"]),
            st.sampled_from(["running", "running", "left"]),
        ),
        st.builds(
            lambda cause, place, word: (
                "incident-commands",
                command(f"{cause}-signals-0-{place}", word, START + 90 * MINUTE),
            ),
            st.sampled_from(["data", "model"]),
            st.integers(0, 5),
            st.sampled_from(["ack", "resolve", "silence"]),
        ),
        st.builds(
            lambda cause, minutes: (
                "incident-commands",
                command(cause=cause, word="silence", until=START + minutes * MINUTE),
            ),
            st.sampled_from(["data", "model", "liveness"]),
            st.integers(0, 300),
        ),
    ),
    max_size=30,
)


@given(RECORDS, st.lists(st.integers(0, 40), min_size=30, max_size=30), st.data())
def test_neither_batches_nor_restarts_change_what_comes_of_the_same_records(records, waits, data):
    timed, at = [], 0
    for (plural, record), wait in zip(records, waits, strict=False):
        at += wait
        timed.append((plural, (at, record)))
    one_by_one, in_batches = Alerting(), Alerting()
    for plural, one in timed:
        one_by_one.take(plural, one)
    while timed:
        plural = timed[0][0]
        most = next((n for n, each in enumerate(timed) if each[0] != plural), len(timed))
        size = data.draw(st.integers(1, most))
        in_batches.take(plural, *(one for _, one in timed[:size]))
        timed = timed[size:]
        if data.draw(st.booleans()):
            in_batches.restart()
    assert in_batches.out == one_by_one.out
    ids = [each["alert_id"] for each in one_by_one.out["alerts"]]
    assert len(ids) == len(set(ids))
