"""The checks of the audit records."""

from collections.abc import Mapping
from typing import Any

from headrace.verification.books import Books, Found, Observed, place
from headrace.verification.checks import Check, differing
from headrace.verification.decisions import versions
from headrace.verification.history import AUDITED, DECIDED, DUPLICATE


class AuditChecks:
    """Observes every audit record; the decisions must have been observed before."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._topic = books.terms.audits
        self.of_decisions = 0
        self.of_duplicates = 0

    def observe(self, record: Observed) -> None:
        """Check an audit record against its event, and its decision or the first event."""
        fields = self._books.readable(self._topic, record)
        if fields is None:
            return
        duplicates = self._books.balance.duplicates
        is_duplicate = fields["kind"] == "duplicate"
        found = self._books.find(self._topic, record, fields, duplicates if is_duplicate else None)
        if found is None:
            return
        self._check_input(record, fields, found)
        if is_duplicate:
            self.of_duplicates += 1
            facts = found.events.facts(found.row)
            duplicates.add(facts.amount_minor, facts.currency)
            self._check_duplicate(record, fields, found)
            self._books.mark(self._topic, record, found, DUPLICATE)
        else:
            self.of_decisions += 1
            self._check_decision(record, fields, found)

    def _check_input(self, record: Observed, fields: Mapping[str, Any], found: Found) -> None:
        events, row, source = found
        key = events.key(row)
        first = f"{fields['source_topic']}:{fields['source_partition']}:{fields['first_offset']}"
        is_duplicate = fields["kind"] == "duplicate"
        expected = {
            "kind": "duplicate" if is_duplicate else "decision",
            "event_id": events.event_id(row),
            "key": key,
            "the record's key": key,
            "use_case": self._books.terms.use_case,
            "decision_id": first if is_duplicate else source,
        }
        stated = {
            "kind": fields["kind"],
            "event_id": fields["event_id"],
            "key": fields["key"].encode(),
            "the record's key": record.key,
            "use_case": fields["use_case"],
            "decision_id": fields["decision_id"],
        }
        if stated != expected:
            self._add("audit-agrees", record, *differing(expected, stated))
        if fields["input_sha256"] != events.digest(row):
            self._add(
                "audit-input-digest", record, events.digest(row).hex(), fields["input_sha256"].hex()
            )

    def _check_decision(self, record: Observed, fields: Mapping[str, Any], found: Found) -> None:
        events, row, source = found
        flags = events.flags[row]
        if flags & AUDITED:
            self._add("audit-has-decision", record, f"one audit record of {source}", "another")
        elif not flags & DECIDED:
            self._add("audit-has-decision", record, f"a decision about {source}", "none")
        events.flags[row] = flags | AUDITED
        by, stated = events.versions(row), versions(fields)
        if by is None:
            return
        if by != stated:
            self._add("audit-agrees", record, *differing(by._asdict(), stated._asdict()))
        written = events.decision_digest(row)
        if fields["decision_sha256"] != written:
            self._add(
                "audit-decision-digest", record, written.hex(), _hex(fields["decision_sha256"])
            )

    def _check_duplicate(self, record: Observed, fields: Mapping[str, Any], found: Found) -> None:
        offset, first = fields["source_offset"], fields["first_offset"]
        if first is not None and first < self._books.begins.get(fields["source_partition"], 0):
            return  # the first is no longer kept
        problem = _not_the_first(found, first, offset)
        if problem:
            self._add(
                "duplicate-names-first",
                record,
                f"the offset of a decided event before {found.source} with its id and its bytes",
                f"{first}: {problem}",
            )

    def _add(self, check: Check, record: Observed, expected: object, actual: object) -> None:
        self._books.findings.add(check, place(self._topic, record), expected, actual)


def _not_the_first(found: Found, first: int | None, offset: int) -> str:
    """Return why the event at ``first`` is not the one of which ``found`` is a duplicate."""
    events = found.events
    if first is None or first >= offset:
        return "not before the duplicate"
    row = events.row(first)
    if row is None:
        return "no event"
    if events.event_id(row) != events.event_id(found.row):
        return f"event id {events.event_id(row)!r}"
    if events.digest(row) != events.digest(found.row):
        return "other bytes"
    return "" if events.flags[row] & DECIDED else "not decided"


def _hex(value: bytes | None) -> str:
    return "none" if value is None else value.hex()
