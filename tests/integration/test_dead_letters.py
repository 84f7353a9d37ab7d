"""Dead letters, listed, shown and published again, on the real broker with real scoring."""

import getpass
import json
import uuid
from contextlib import contextmanager

import pytest

from headrace.scoring.provision import freeze
from headrace.usecase.charter import Charter
from support.running import scoring
from support.use_case import START_MS, deployed, transaction

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]

STRICT = {"max = 100_000_000": "max = 10_000", 'within = "2s"': 'within = "3600s"'}


@pytest.fixture(scope="module")
def case(stack, tmp_path_factory):
    name, folder = f"test-{uuid.uuid4().hex[:8]}", tmp_path_factory.mktemp("dead-letters")
    with deployed(name, folder, STRICT) as case:
        yield case


def said(case, *arguments, code=0):
    """Run a command with ``--json``, and return what it said."""
    done = case.headrace(*arguments, "--json")
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def listed(case, *arguments):
    return said(case, "dead-letters", "list", *arguments)


@contextmanager
def decided(case):
    """Let scoring decide all there is; afterwards it has ended."""
    with scoring(case) as service:
        yield
        service.until(lambda: fates(case) == sum(1 for _ in case.messages("events")))
        assert service.stop() == 0


def fates(case):
    return len(case.messages("audits")) + len(case.messages("events.dlq"))


def allow_more(case):
    """Mend the cause: the charter allows larger amounts."""
    text = case.path.read_text()
    case.path.write_text(text.replace("max = 10_000 ", "max = 100_000_000 "))
    case.charter = Charter.load(case.path)
    freeze(case.settings, case.charter)


@pytest.fixture(scope="module")
def letters(case):
    """Of four events: one is decided, one too large an amount, two under a wrong key."""
    encode = case.encoder("events")
    large = transaction(event_id="large", amount_minor=20_000)
    miskeyed = [
        transaction(event_id=f"miskeyed-{n}", occurred_at_ms=START_MS + n) for n in range(2)
    ]
    case.publish([("card-1", encode(transaction(event_id="small")))])
    producer = case.clients.producer()
    producer.produce(
        case.topic("events"), encode(large), "card-1", headers=[("source", b"shop"), ("none", None)]
    )
    producer.flush()
    case.publish(("card-2", encode(each)) for each in miskeyed)
    with decided(case):
        pass
    return {
        (row["reason"], n): f"{row['partition']}:{row['offset']}"
        for n, row in enumerate(listed(case)["rows"])
    }


def place_of(letters, reason):
    return next(place for (each, _), place in letters.items() if each == reason)


def test_dead_letters_are_counted_by_reason_and_the_latest_are_shown(case, letters):
    found = listed(case)
    assert found["depth"] == 3
    assert found["reasons"] == {"key_mismatch": 2, "invalid_value": 1}
    assert 0 <= found["oldest_age_s"] < 300
    assert len(found["rows"]) == 3
    (row,) = listed(case, "--reason", "invalid_value")["rows"]
    assert "amount_minor is 20000" in row["detail"]
    assert len(listed(case, "--limit", "1")["rows"]) == 1
    text = case.headrace("dead-letters", "list").stdout
    assert "3 dead letters in" in text
    assert "card-1" not in text


def test_a_dead_letter_is_shown_whole(case, letters):
    place = place_of(letters, "invalid_value")
    found = said(case, "dead-letters", "show", place)
    assert found["event"]["event_id"] == "large"
    assert found["letter"]["headers"] == [
        {"name": "source", "value": b"shop".hex()},
        {"name": "none", "value": None},
    ]
    assert bytes.fromhex(found["letter"]["key"]) == b"card-1"
    assert b"large" in bytes.fromhex(found["letter"]["value"])
    text = case.headrace("dead-letters", "show", place).stdout
    assert "one of its values is not believable" in text
    assert found["letter"]["value"][:64] in text


def test_what_is_not_there_or_not_meant_is_an_error_with_a_fix(case, letters):
    for arguments, complaint in (
        (("show", "0:999999"), "has no dead letter at 0:999999"),
        (("show", "99:0"), "has no dead letter at 99:0"),
        (("show", "first"), "is no place of a record"),
        (("list", "--reason", "futur"), "did you mean future?"),
        (("replay",), "Which dead letters?"),
        (("replay", "--reason", "key_mismatch"), "nobody can be asked"),
    ):
        done = case.headrace("dead-letters", *arguments)
        assert done.returncode == 1
        assert complaint in done.stderr
        assert "fix:" in done.stderr
    assert case.messages("replays") == []


def test_a_dry_run_replays_nothing(case, letters):
    would = said(case, "dead-letters", "replay", "--reason", "key_mismatch", "--dry-run")
    assert len(would) == 2
    assert case.messages("replays") == []


def test_what_is_replayed_after_its_cause_was_mended_is_decided_once(case, letters):
    place = place_of(letters, "invalid_value")
    (original,) = [m for m in case.messages("events") if b"large" in m.value()]
    allow_more(case)
    (first,) = said(case, "dead-letters", "replay", place, "--because", "ticket 7", "--yes")
    with decided(case):
        pass
    (second,) = said(case, "dead-letters", "replay", place, "--yes")
    with decided(case):
        pass
    decisions = [each for each in case.records("decisions") if each["event_id"] == "large"]
    assert [each["source_offset"] for each in decisions] == [first["replayed_offset"]]
    kinds = [each["kind"] for each in case.records("audits") if each["event_id"] == "large"]
    assert kinds == ["decision", "duplicate"]
    again = [m for m in case.messages("events") if b"large" in m.value()][1:]
    assert [m.offset() for m in again] == [first["replayed_offset"], second["replayed_offset"]]
    for message in again:
        assert (message.partition(), message.key(), message.value(), message.headers()) == (
            original.partition(),
            original.key(),
            original.value(),
            original.headers(),
        )
    written = case.records("replays")
    assert [f"{r['dead_letter_partition']}:{r['dead_letter_offset']}" for r in written] == [
        place
    ] * 2
    assert [each["reason"] for each in written] == ["ticket 7", "replayed by hand"]
    assert {each["by"] for each in written} == {getpass.getuser()}
    assert written[0] == first
    assert_verified(case)
    account = said(case, "explain", "large")
    assert [each["fate"] for each in account["arrivals"]] == ["dead letter", "decided", "duplicate"]
    assert account["arrivals"][1]["replay"]["reason"] == "ticket 7"
    assert account["proven"]


def test_what_is_still_wrong_is_a_dead_letter_again_and_only_new_ones_are_replayed_by_reason(
    case, letters
):
    assert len(said(case, "dead-letters", "replay", "--reason", "key_mismatch", "--yes")) == 2
    with decided(case):
        pass
    assert listed(case)["reasons"] == {"key_mismatch": 4, "invalid_value": 1}
    would = said(case, "dead-letters", "replay", "--reason", "key_mismatch", "--dry-run")
    assert len(would) == 2
    assert not [each for each in case.records("decisions") if "miskeyed" in each["event_id"]]
    rows = listed(case, "--reason", "key_mismatch")["rows"]
    assert sorted(row["replayed"] for row in rows) == [0, 0, 1, 1]
    assert_verified(case)


def assert_verified(case):
    verified = case.headrace("verify", "--json")
    assert verified.returncode == 0, verified.stdout
