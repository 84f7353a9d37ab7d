import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from headrace.verification.books import Observed
from headrace.verification.checks import Check, Offender
from headrace.verification.ledger import Ledger
from headrace.verification.report import Report
from headrace.verification.terms import Terms
from support.decided_history import (
    PARTITIONS,
    Outputs,
    Written,
    decide,
    decision_fields,
    event,
    make_events,
    plainly,
    terms,
)
from support.planted_faults import PLANTED

TERMS = terms()


def written(records: Sequence[Written]) -> list[Written]:
    """Give each record the next offset of its partition."""
    ends = [0] * 100
    for record in records:
        record.offset = ends[record.partition]
        ends[record.partition] += 1
    return list(records)


def observed(kind: str, record: Written) -> Observed:
    value = plainly(kind, record)
    fields = record.fields if record.value is None else None
    key = record.key.encode()
    return Observed(record.partition, record.offset, key, value, fields, "garbage")


def ends_of(events: Sequence[Written]) -> dict[int, int]:
    return {
        p: 1 + max((made.offset for made in events if made.partition == p), default=-1)
        for p in range(PARTITIONS)
    }


def verify(
    events: Sequence[Written],
    outputs: Outputs,
    *,
    settled: dict[int, int] | None = None,
    committed: dict[int, int] | None = None,
    begins: dict[int, int] | None = None,
    allow_pending: bool = False,
    promised: Terms = TERMS,
) -> Report:
    """Verify a history of which everything is committed unless told otherwise."""
    ledger = Ledger(promised, settled or committed or ends_of(events), begins)
    for made in events:
        ledger.event(observed("events", made))
    for kind, observe in (
        ("decisions", ledger.decision),
        ("audits", ledger.audit),
        ("dead_letters", ledger.dead_letter),
    ):
        for record in written(getattr(outputs, kind)):
            observe(observed(kind, record))
    return ledger.close(committed or ends_of(events), allow_pending=allow_pending)


def failing(report: Report) -> set[str]:
    return {result.check for result in report.results if result.verdict == "FAIL"}


def first(report: Report, check: Check) -> Offender:
    offender = next(result.first for result in report.results if result.check == check)
    assert offender is not None
    return offender


@pytest.fixture
def events() -> list[Written]:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    return written(make_events(200, seed))


@pytest.fixture
def outputs(events: list[Written]) -> Outputs:
    return decide(TERMS, events, plainly)


def test_a_correct_history_passes_every_check(events: list[Written], outputs: Outputs) -> None:
    report = verify(events, outputs)
    assert report.passed
    assert all(result.offenders == 0 for result in report.results)
    assert all(result.checked > 0 for result in report.results)


def test_the_balance_sheet_holds_records_and_money(events: list[Written], outputs: Outputs) -> None:
    balance = verify(events, outputs).balance
    readable = [made.fields for made in events if made.value is None]
    assert balance.events.records == len(readable)
    for currency in ("CHF", "EUR"):
        amounts = [made["amount_minor"] for made in readable if made["currency"] == currency]
        assert balance.events.amounts[currency] == sum(amounts)
        assert balance.difference(currency) == 0
    assert balance.unreadable_events == balance.unreadable_dead_letters
    assert balance.unreadable_events == len(events) - len(readable) > 0


@pytest.mark.parametrize("fault", PLANTED)
def test_each_planted_fault_fails_its_checks_and_no_others(
    fault: str, events: list[Written], outputs: Outputs
) -> None:
    plant, checks = PLANTED[fault]
    plant(outputs)
    assert failing(verify(events, outputs)) == checks


def test_a_finding_names_its_first_offender_what_was_expected_and_what_was_found(
    events: list[Written], outputs: Outputs
) -> None:
    outputs.decisions[5].fields["amount_minor"] += 1
    outputs.decisions[9].fields["amount_minor"] += 1
    report = verify(events, outputs)
    culprit = outputs.decisions[5]
    offender = first(report, "decision-agrees")
    assert offender.place == (
        "card-fraud.decisions",
        culprit.partition,
        culprit.offset,
        culprit.fields["event_id"],
    )
    assert offender.expected == f"amount_minor {culprit.fields['amount_minor'] - 1}"
    assert offender.found == f"amount_minor {culprit.fields['amount_minor']}"
    assert {r.offenders for r in report.results if r.check == "decision-agrees"} == {2}


@pytest.mark.parametrize(
    "name", ["decision_id", "event_id", "use_case", "key", "occurred_at_ms", "currency"]
)
def test_a_decision_that_disagrees_with_its_event_is_found(
    name: str, events: list[Written], outputs: Outputs
) -> None:
    fields = outputs.decisions[5].fields
    fields[name] = 1 if name == "occurred_at_ms" else "other"
    assert "decision-agrees" in failing(verify(events, outputs))


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("event_id", "audit-agrees"),
        ("key", "audit-agrees"),
        ("use_case", "audit-agrees"),
        ("kind", "audit-agrees"),
        ("decision_id", "audit-agrees"),
        ("model_digest", "audit-agrees"),
        ("charter_digest", "audit-agrees"),
        ("policy_version", "audit-agrees"),
        ("input_sha256", "audit-input-digest"),
        ("decision_sha256", "audit-decision-digest"),
    ],
)
def test_every_alteration_of_an_audit_record_is_found(
    name: str, check: str, events: list[Written], outputs: Outputs
) -> None:
    audit = next(audit for audit in outputs.audits if audit.fields["kind"] == "decision")
    altered = audit.fields[name]
    audit.fields[name] = b"x" * 32 if isinstance(altered, bytes) else "other"
    assert failing(verify(events, outputs)) == {check}


def test_an_audit_record_without_its_decision_and_a_second_one_are_found(
    events: list[Written], outputs: Outputs
) -> None:
    audit = next(audit for audit in outputs.audits if audit.fields["kind"] == "decision")
    outputs.audits.append(Written(audit.partition, audit.key, dict(audit.fields)))
    report = verify(events, outputs)
    assert failing(report) == {"audit-has-decision"}
    assert first(report, "audit-has-decision").found == "another"


@pytest.mark.parametrize("name", ["key", "value"])
def test_an_altered_dead_letter_is_found(
    name: str, events: list[Written], outputs: Outputs
) -> None:
    outputs.dead_letters[0].fields[name] = b"altered"
    assert failing(verify(events, outputs)) == {"dead-letter-whole"}


def test_an_event_dead_lettered_as_unreadable_though_it_can_be_read_is_found(
    events: list[Written], outputs: Outputs
) -> None:
    letters = outputs.dead_letters
    letter = next(letter for letter in letters if letter.fields["reason"] == "invalid_value")
    letter.fields["reason"] = "undecodable"
    assert failing(verify(events, outputs)) == {"dead-letter-reason"}


def test_a_duplicate_that_names_another_event_as_the_first_is_found() -> None:
    events = written([event(name, 1, 0) for name in ("a", "b", "a")])
    outputs = decide(TERMS, events, plainly)
    outputs.audits[2].fields |= {"first_offset": 1, "decision_id": "card-fraud.events:1:1"}
    report = verify(events, outputs)
    assert failing(report) == {"duplicate-names-first"}
    assert first(report, "duplicate-names-first").found == "1: event id 'b'"


def test_a_duplicate_of_an_event_with_other_bytes_is_found() -> None:
    events = written([event("a", 1, 0), event("a", 1, 0)])
    outputs = decide(TERMS, events, plainly)
    events[0].fields["amount_minor"] += 1
    report = verify(events, outputs)
    assert first(report, "duplicate-names-first").found == "0: other bytes"


def test_a_duplicate_of_an_event_that_was_not_decided_is_found() -> None:
    events = written([event("a", 1, 0), event("a", 1, 0)])
    outputs = decide(TERMS, events, plainly)
    del outputs.decisions[0]
    assert "duplicate-names-first" in failing(verify(events, outputs))


def decided_all(events: Sequence[Written]) -> Outputs:
    """Decide each event by itself, as a scoring without a memory would."""
    outputs = Outputs()
    for made in events:
        alone = decide(TERMS, [made], plainly)
        outputs.decisions += alone.decisions
        outputs.audits += alone.audits
    return outputs


def test_an_id_decided_twice_within_the_duplicate_span_is_found() -> None:
    events = written([event("a", 1, 0), event("b", 1, 6.9), event("a", 1, 0)])
    report = verify(events, decided_all(events))
    assert failing(report) == {"one-decision-per-id"}
    assert "card-fraud.events:1:0" in first(report, "one-decision-per-id").expected


def test_an_id_decided_again_once_its_keys_time_is_past_the_duplicate_span_is_fine() -> None:
    again = written([event("a", 1, 0), event("b", 1, 7), event("a", 1, 0)])
    assert verify(again, decided_all(again)).passed
    reused = written([event("a", 1, 0), event("a", 1, 7)])
    assert verify(reused, decided_all(reused)).passed
    other_key = written([event("a", 1, 0), event("b", 3, 7), event("a", 1, 0)])
    assert not verify(other_key, decided_all(other_key)).passed


@pytest.mark.parametrize("other_card", [2, 3])
def test_an_id_decided_under_two_keys_is_found(other_card: int) -> None:
    events = written([event("a", 1, 0), event("a", other_card, 30)])
    report = verify(events, decided_all(events))
    assert failing(report) == {"one-key-per-id"}


def test_a_decision_of_an_unreadable_or_miskeyed_event_is_found() -> None:
    for spoil in ({"value": b"garbage"}, {"key": "card-3"}):
        events = written([event("a", 1, 0)])
        outputs = decided_all(events)
        for name, value in spoil.items():
            setattr(events[0], name, value)
        assert "decision-agrees" in failing(verify(events, outputs))


def test_an_event_with_two_different_fates_is_found(
    events: list[Written], outputs: Outputs
) -> None:
    letter, decision = outputs.dead_letters[0], outputs.decisions[0]
    source = {name: decision.fields[name] for name in ("source_partition", "source_offset")}
    original = next(
        made
        for made in events
        if (made.partition, made.offset) == (source["source_partition"], source["source_offset"])
    )
    whole = {"key": original.key.encode(), "value": plainly("events", original)}
    fields = letter.fields | source | whole | {"reason": "invalid_value"}
    outputs.dead_letters.append(Written(decision.partition, decision.key, fields))
    report = verify(events, outputs)
    assert failing(report) == {"one-fate", "counts-balance", "amounts-balance"}


def test_a_decision_about_no_event_is_found(events: list[Written], outputs: Outputs) -> None:
    stranger = event("stranger", 1, 0)
    stranger.offset = 10**6
    for kind in ("decisions", "audits"):
        getattr(outputs, kind).extend(getattr(decide(TERMS, [stranger], plainly), kind))
    report = verify(events, outputs, committed={0: 10**6, 1: 10**6 + 1})
    assert failing(report) == {"fate-has-event", "counts-balance", "amounts-balance"}


def test_a_decision_about_another_topics_event_is_found(
    events: list[Written], outputs: Outputs
) -> None:
    outputs.decisions[0].fields["source_topic"] = "elsewhere.events"
    assert "fate-has-event" in failing(verify(events, outputs))


def test_an_output_that_cannot_be_read_is_found(events: list[Written], outputs: Outputs) -> None:
    outputs.decisions.append(Written(0, "card-2", {}, b"garbage"))
    report = verify(events, outputs)
    assert failing(report) == {"outputs-readable"}
    assert first(report, "outputs-readable").found == "garbage"


def test_an_output_beyond_the_committed_offset_is_found(
    events: list[Written], outputs: Outputs
) -> None:
    committed = ends_of(events)
    committed[1] -= 1
    report = verify(events, outputs, committed=committed, allow_pending=True)
    assert failing(report) == {"committed-only"}


def test_events_past_the_committed_offset_are_pending_and_before_it_lost() -> None:
    events = written([event(f"event-{n}", 1, n) for n in range(10)])
    outputs = decide(TERMS, events[:6], plainly)
    report = verify(events, outputs, committed={1: 6})
    assert failing(report) == {"none-pending"}
    assert report.pending == 4
    assert first(report, "none-pending").place.offset == 6
    assert verify(events, outputs, committed={1: 6}, allow_pending=True).passed
    lost = verify(events, outputs, committed={1: 8}, allow_pending=True)
    assert failing(lost) == {"no-event-lost", "counts-balance", "amounts-balance"}
    assert first(lost, "no-event-lost").place.offset == 6


def test_what_is_committed_while_the_topics_are_read_is_not_judged() -> None:
    events = written([event(f"event-{n}", 1, n) for n in range(10)])
    outputs = decide(TERMS, events[:8], plainly)
    del outputs.audits[7]
    report = verify(events, outputs, settled={1: 7}, committed={1: 10})
    assert report.passed
    assert report.in_motion == 3


def test_what_lacks_its_partner_because_that_is_no_longer_kept_is_not_judged() -> None:
    events = written([event(name, 1, n) for n, name in enumerate("abca")])
    events[3].fields = dict(events[0].fields)
    outputs = decide(TERMS, events, plainly)
    del outputs.decisions[0]
    assert not verify(events, outputs).passed
    report = verify(events, outputs, begins={1: 1})
    assert report.passed
    assert report.older == 2


def test_a_charter_without_money_balances_in_records() -> None:
    moneyless = replace(TERMS, amount_field=None, currency_field=None)
    events = written([event(f"event-{n}", 1, n) for n in range(10)])
    outputs = Outputs()
    for made in events:
        fields = decision_fields(moneyless, made) | {"amount_minor": None, "currency": None}
        outputs.decisions.append(Written(made.partition, made.key, fields))
    report = verify(events, outputs, promised=moneyless)
    assert failing(report) == {"decision-audited"}
    assert report.balance.currencies == []
