"""Lists, fallback, deadline, stage and reviewers, as they are in the running service."""

import getpass
import json
import time

import pytest

from support.running import scoring, until
from support.use_case import deployed

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]

DAY_MS = 86_400_000
NOON_MS = time.time_ns() // 1_000_000 // DAY_MS * DAY_MS - DAY_MS // 2

IN_TIME = {'within = "2s"': 'within = "3600s"'}


def publish(case, *numbers, **fields):
    """Publish one transaction for each number, and return the ids."""
    encode = case.encoder("events")
    events = [
        {
            "event_id": f"event-{number}",
            "card_id": "card-1",
            "merchant_id": "merchant-1",
            "amount_minor": 4_200,
            "currency": "EUR",
            "occurred_at_ms": NOON_MS + number * 1_000,
            "distance_km": None,
            **fields,
        }
        for number in numbers
    ]
    case.publish((event["card_id"], encode(event)) for event in events)
    return [event["event_id"] for event in events]


def decisions(case):
    return {each["event_id"]: each for each in case.records("decisions")}


def decide(case, service, *numbers, **fields):
    """Publish, wait, and return the decisions."""
    ids = publish(case, *numbers, **fields)
    service.until(case.is_done)
    made = decisions(case)
    return [made[each] for each in ids]


def tamper(case):
    """Change one of the model's arrays."""
    chunks = case.settings.model_folder(case.name) / "chunks"
    next(chunks.iterdir()).write_bytes(b"tampered")


def command(case, *arguments):
    done = case.headrace(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_list_changes_what_is_decided_while_the_service_runs_and_says_who_and_why(
    stack, use_case, tmp_path
):
    numbers = iter(range(1_000))
    with deployed(use_case, tmp_path, IN_TIME) as case:
        with scoring(case) as service:

            def action() -> str:
                return decide(case, service, next(numbers))[0]["action"]

            assert action() == "approve"
            command(case, "lists", "add", "blocked-cards", "card-1", "--reason", "stolen")
            until(lambda: action() == "decline", 60, service.errors)
            (entry,) = json.loads(command(case, "lists", "show", "--json"))
            assert (entry["list"], entry["entity"]) == ("blocked-cards", "card-1")
            assert (entry["by"], entry["reason"]) == (getpass.getuser(), "stolen")
            assert "card-1" in command(case, "lists", "show", "blocked-cards")
            assert service.stop() == 0
        with scoring(case) as service:
            (blocked,) = decide(case, service, next(numbers))
            assert (blocked["action"], blocked["rule_hits"]) == ("decline", ["blocked-card"])
            assert blocked["reasons"] == ["the card is on the list of blocked cards"]
            command(case, "lists", "remove", "blocked-cards", "card-1", "--reason", "found again")
            until(lambda: action() == "approve", 60, service.errors)
        assert json.loads(command(case, "lists", "show", "--json")) == []
        (entry,) = json.loads(command(case, "lists", "show", "--removed", "--json"))
        assert (entry["listed"], entry["reason"]) == (False, "found again")
        wrong = case.headrace("lists", "add", "blocked-card", "card-1", "--reason", "stolen")
        assert wrong.returncode == 1
        assert "did you mean blocked-cards?" in wrong.stderr


def test_with_a_model_that_was_tampered_with_the_rules_decide_and_the_metric_rises(
    stack, use_case, tmp_path
):
    with deployed(use_case, tmp_path, IN_TIME) as case:
        tamper(case)
        with scoring(case) as service:
            ordinary, large = (
                *decide(case, service, 0),
                *decide(case, service, 1, amount_minor=600_000),
            )
            service.until(lambda: service.metrics()["headrace_fallbacks_total"] == 2)
            assert service.errors().count("rules decide in place of the model") == 1
        assert (ordinary["fallback"], ordinary["model"]) == ("model_untrusted", "rules")
        assert (ordinary["action"], ordinary["reason_codes"]) == ("approve", ["FALLBACK"])
        assert (large["action"], large["rule_hits"]) == ("review", ["amount-limit"])
        command(case, "verify")


def test_in_shadow_and_after_the_deadline_the_decision_says_both(stack, use_case, tmp_path):
    changes = {
        'stage = "live"': 'stage = "shadow"',
        'within = "2s"': 'within = "1ms"',
        'late_action = "review"': 'late_action = "approve"',
    }
    with deployed(use_case, tmp_path, changes) as case:
        publish(case, 0, amount_minor=600_000)
        with scoring(case) as service:
            service.until(case.is_done)
            service.until(lambda: service.metrics()["headrace_deadlines_missed_total"] == 1)
        (decision,) = decisions(case).values()
    assert (decision["stage"], decision["acted"]) == ("shadow", False)
    assert (decision["deadline_missed"], decision["action"]) == (True, "approve")
    assert (decision["reason_codes"], decision["rule_hits"]) == (["LATE"], ["amount-limit"])


def test_reviewers_places_that_are_taken_stay_taken_over_a_restart(stack, use_case, tmp_path):
    few = {"per_day = 500": "per_day = 12", **IN_TIME}
    with deployed(use_case, tmp_path, few) as case:  # three for each of four partitions
        taken = []
        tamper(case)  # so that the amount's rule decides alone
        for numbers in (range(2), range(2, 5)):
            with scoring(case) as service:
                taken += decide(case, service, *numbers, amount_minor=600_000)
                assert service.stop() == 0
        assert [each["action"] for each in taken] == ["review"] * 3 + ["decline"] * 2
        assert taken[3]["reason_codes"] == ["FALLBACK", "amount-limit", "CAPACITY"]
        command(case, "verify")
