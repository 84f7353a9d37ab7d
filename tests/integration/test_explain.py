"""What became of an event, told on the phone and proven, on the real broker."""

import json
import uuid

import pytest

from support.running import scoring
from support.use_case import START_MS, deployed, transaction

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]

CHANGES = {"max = 100_000_000": "max = 900_000", 'within = "2s"': 'within = "3600s"'}


@pytest.fixture(scope="module")
def case(stack, tmp_path_factory):
    """Some ordinary events, then a large one, a repeated one, a dead letter and one that waits."""
    name, folder = f"test-{uuid.uuid4().hex[:8]}", tmp_path_factory.mktemp("explain")
    with deployed(name, folder, CHANGES) as case:
        encode = case.encoder("events")
        events = case.transactions(0, 12)
        large = transaction(
            event_id="large", amount_minor=31_240, occurred_at_ms=START_MS + 60_000, distance_km=900
        )
        unbelievable = transaction(event_id="unbelievable", amount_minor=1_000_000)
        events += [("card-1", encode(large)), events[3], ("card-1", encode(unbelievable))]
        events.append(("card-1", b"event-0, and not in our framing"))
        case.publish(events)
        with scoring(case) as service:
            service.until(case.is_done)
            assert service.stop() == 0
        waiting = transaction(event_id="waiting", card_id="card-2")
        case.publish([("card-2", encode(waiting))])
        yield case


def explained(case, event_id):
    done = case.headrace("explain", event_id, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_declined_event_is_a_sentence_with_its_reasons_and_everything_behind_it(case):
    account = explained(case, "large")
    (arrival,) = account["arrivals"]
    decision, audit = arrival["decision"], arrival["audit"]
    assert decision["action"] == "decline"
    assert account["sentence"] == (
        "The transaction of 312.40 EUR (card card-1, merchant merchant-1) on 15 June 2025 at "
        f"15:07 UTC was declined because {'; '.join(decision['reasons'][:-1])}; and "
        f"{decision['reasons'][-1]}."
    )
    assert arrival["event"]["amount_minor"] == 31_240
    assert arrival["fate"] == "decided"
    weights = [abs(each["contribution"]) for each in arrival["features"]]
    assert weights == sorted(weights, reverse=True)
    names = case.charter.feature_set.names
    assert {each["name"]: each["value"] for each in arrival["features"]} == dict(
        zip(names, decision["features"], strict=True)
    )
    assert audit["decision_id"] == decision["decision_id"]
    assert (arrival["input_matches"], arrival["decision_matches"]) == (True, True)
    assert arrival["charter_is_this"]
    assert account["proven"]


def test_a_plain_approval_says_why_it_is_one(case):
    assert (
        "was approved because no rule applies to it, and at a score of"
        in (explained(case, "event-5")["sentence"])
    )


def test_a_duplicate_is_told_and_points_to_the_decision(case):
    account = explained(case, "event-3")
    assert [each["fate"] for each in account["arrivals"]] == ["decided", "duplicate"]
    assert "It was sent once more, which was recognised as a duplicate" in account["sentence"]
    first, again = account["arrivals"]
    assert again["audit"]["first_offset"] == first["offset"]


def test_a_dead_letter_says_why_in_words(case):
    account = explained(case, "unbelievable")
    assert account["sentence"].endswith(
        "was not decided because one of its values is not believable "
        "(amount_minor is 1000000, not from 0 to 900000)."
    )
    assert account["arrivals"][0]["dead_letter"]["reason"] == "invalid_value"


def test_unreadable_bytes_that_hold_the_id_are_told_beside_the_decision(case):
    account = explained(case, "event-0")
    assert [each["fate"] for each in account["arrivals"]] == ["decided", "dead letter"]
    assert "its bytes do not begin as a record's must" in account["sentence"]


def test_an_event_that_waits_says_so(case):
    account = explained(case, "waiting")
    assert account["arrivals"][0]["fate"] == "waiting"
    assert account["sentence"].endswith("waits for its decision.")


def test_an_unknown_id_is_an_error_and_exits_1(case):
    done = case.headrace("explain", "event-")
    assert done.returncode == 1
    assert "knows no event 'event-'" in done.stderr
    assert "fix:" in done.stderr


@pytest.mark.parametrize(
    "event_id", ["large", "event-3", "event-5", "unbelievable", "event-0", "waiting"]
)
def test_the_text_fits_80_columns(case, event_id):
    done = case.headrace("explain", event_id)
    print(done.stdout)
    assert done.returncode == 0
    assert event_id in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
