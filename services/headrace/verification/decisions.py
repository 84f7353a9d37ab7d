"""The checks of the decisions, one after the other as they stand in their topic."""

from collections.abc import Mapping
from typing import Any

from headrace.verification.books import Books, Found, Observed, place
from headrace.verification.checks import differing
from headrace.verification.history import DECIDED, MISKEYED, READABLE, Facts, Versions, digest


class DecisionChecks:
    """Observes every decision."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._topic = books.terms.decisions
        # By key: the partition in which its latest decision stands, and that one's event.
        self._latest: dict[str, tuple[int, int, int]] = {}

    def observe(self, record: Observed) -> None:
        """Check a decision against its event and against the key's decision before it."""
        fields = self._books.readable(self._topic, record)
        if fields is None:
            return
        self._check_order(record, fields)
        decisions = self._books.balance.decisions
        found = self._books.find(self._topic, record, fields, decisions)
        if found is None:
            return
        decisions.add(fields["amount_minor"], fields["currency"])
        self._check_agreement(record, fields, found)
        if not found.events.flags[found.row] & DECIDED:
            found.events.decide(found.row, digest(record.value), versions(fields))
        self._books.mark(self._topic, record, found, DECIDED)

    def _check_order(self, record: Observed, fields: Mapping[str, Any]) -> None:
        key = fields["key"]
        here = (record.partition, fields["source_partition"], fields["source_offset"])
        before = self._latest.get(key, here)
        self._latest[key] = here
        if before <= here and before[:2] == here[:2]:
            return
        self._books.findings.add(
            "input-order",
            place(self._topic, record),
            f"key {key!r}: an event after {before[1]}:{before[2]}, in partition {before[0]}",
            f"{here[1]}:{here[2]}, in partition {here[0]}",
        )

    def _check_agreement(self, record: Observed, fields: Mapping[str, Any], found: Found) -> None:
        if found.events.flags[found.row] & (READABLE | MISKEYED) != READABLE:
            expected = "no decision about an unreadable event, or one under another record key"
            actual = found.source
        else:
            facts = found.events.facts(found.row)
            stated = Facts(
                fields["event_id"],
                fields["key"].encode(),
                fields["occurred_at_ms"],
                fields["amount_minor"],
                fields["currency"],
            )
            named = (fields["decision_id"], fields["use_case"], record.key)
            names = (found.source, self._books.terms.use_case, facts.key)
            if stated == facts and named == names:
                return
            expected, actual = differing(
                {**facts._asdict(), **dict(zip(_NAMES, names, strict=True))},
                {**stated._asdict(), **dict(zip(_NAMES, named, strict=True))},
            )
        self._books.findings.add("decision-agrees", place(self._topic, record), expected, actual)


def versions(fields: Mapping[str, Any]) -> Versions:
    """Return by what a decision was made, as it or its audit record states."""
    return Versions(fields["charter_digest"], fields["model_digest"], fields["policy_version"])


_NAMES = ("decision_id", "use_case", "the record's key")
