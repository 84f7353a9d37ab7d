"""What a webhook gets."""

import json

import pytest

from headrace.alerting.causes import CAUSE_OF, CAUSES, Cleared, Raised, runbook
from headrace.alerting.domain import pass_time, take_cleared, take_raised
from headrace.alerting.incidents import Incidents
from headrace.alerting.payload import Payloads
from headrace.alerting.recording import alert_raised, watchdog_raised
from headrace.contracts.location import shipped
from headrace.usecase.accountability import Owner
from headrace.usecase.alerting import USUAL_SEVERITIES, Alerting

OWNER = Owner(name="Orders", role="Head of Orders", contact="orders@example.org")
PAYLOADS = Payloads("demand", OWNER)
RULES = Alerting()
ROOT = shipped("schemas").parent
RAISED = Raised("concept", "concept/error", "e@1", "it errs", "signals-0-7")


def changed():
    incidents = Incidents()
    [opened] = take_raised(incidents, RAISED, RULES, 1_000)
    take_cleared(incidents, Cleared("concept", "concept/error", "e@1", "as before"), 2_000)
    [resolved] = pass_time(incidents, RULES, 2_000 + RULES.resolve_after_ms)
    return opened, resolved


def test_the_payload_is_alertmanagers():
    payload = json.loads(PAYLOADS.of_change(changed()[0]))
    assert set(payload) == {
        "version",
        "groupKey",
        "truncatedAlerts",
        "status",
        "receiver",
        "groupLabels",
        "commonLabels",
        "commonAnnotations",
        "externalURL",
        "alerts",
    }
    assert payload["version"] == "4"
    assert payload["status"] == "firing"
    [alert] = payload["alerts"]
    assert alert["startsAt"] == "1970-01-01T00:00:01.000Z"
    assert alert["endsAt"] == "0001-01-01T00:00:00Z"
    assert alert["labels"] == {
        "alertname": "concept",
        "subject": "concept/error",
        "severity": "critical",
        "use_case": "demand",
        "incident": "model-signals-0-7",
        "owner": "Orders",
    }


def test_what_is_resolved_says_when_and_keeps_its_fingerprint():
    opened, resolved = (json.loads(PAYLOADS.of_change(each)) for each in changed())
    assert resolved["status"] == "resolved"
    assert resolved["alerts"][0]["endsAt"] == "1970-01-01T00:00:02.000Z"
    assert resolved["alerts"][0]["fingerprint"] == opened["alerts"][0]["fingerprint"]
    assert resolved["groupKey"] == opened["groupKey"]


def test_the_body_of_an_alert_is_the_same_however_often_it_is_made():
    opened, _ = changed()
    made = [alert_raised(opened, "demand", OWNER, PAYLOADS) for _ in range(2)]
    assert made[0] == made[1]
    assert made[0]["alert_id"] == "model-signals-0-7/1"


def test_a_runbook_is_found_where_the_settings_say():
    payloads = Payloads("demand", OWNER, "https://wiki.example.org/runbooks/")
    alert = json.loads(payloads.of_change(changed()[0]))["alerts"][0]
    assert alert["annotations"]["runbook_url"] == "https://wiki.example.org/runbooks/concept.md"


def test_the_sign_of_life_always_fires():
    watchdog = watchdog_raised(5, "demand", OWNER, PAYLOADS)
    payload = json.loads(watchdog["body"])
    assert watchdog["alert_id"] == "watchdog/5"
    assert payload["alerts"][0]["labels"]["alertname"] == "Watchdog"
    assert payload["status"] == "firing"


@pytest.mark.parametrize("kind", [*USUAL_SEVERITIES, "watchdog"])
def test_each_kind_of_alert_has_a_runbook_that_says_what_to_do(kind):
    text = (ROOT / runbook(kind)).read_text("utf-8")
    for heading in ("## What it means", "## What to look at", "## What to do"):
        assert heading in text


def test_each_kind_of_alert_has_a_cause_and_a_severity():
    assert set(CAUSE_OF) == set(USUAL_SEVERITIES)
    assert set(CAUSE_OF.values()) == set(CAUSES)
