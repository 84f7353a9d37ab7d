"""The ledger: observes the records of a use case's topics, and says what does not hold."""

from collections.abc import Mapping

from headrace.verification.audits import AuditChecks
from headrace.verification.books import Books, Observed
from headrace.verification.checks import CHECKS, PROMISES, Check
from headrace.verification.closing import Closing
from headrace.verification.dead_letters import DeadLetterChecks
from headrace.verification.decisions import DecisionChecks
from headrace.verification.history import MISKEYED, READABLE, UNREADABLE, Events, Facts
from headrace.verification.report import Report, Result, Verdict
from headrace.verification.terms import Terms


class Ledger:
    """Observe all events first, then all decisions, then the rest in any order; then close.

    Parameters
    ----------
    terms
        What the charter promises.
    settled
        For each partition of the events, the group's committed offset before any topic's end was
        looked up.
    begins
        For each partition, the first offset whose outputs are all still kept (default: 0).
    """

    def __init__(
        self, terms: Terms, settled: Mapping[int, int], begins: Mapping[int, int] | None = None
    ) -> None:
        self._books = Books(terms, begins or {}, settled)
        self._decisions = DecisionChecks(self._books)
        self._audits = AuditChecks(self._books)
        self._dead_letters = DeadLetterChecks(self._books)
        self.decision = self._decisions.observe
        self.audit = self._audits.observe
        self.dead_letter = self._dead_letters.observe

    def event(self, record: Observed) -> None:
        """Observe an event; those of a partition come in the order of their offsets."""
        books = self._books
        if record.offset < books.begins.get(record.partition, 0):
            books.older += 1
            return
        events = books.history.get(record.partition)
        if events is None:
            events = books.history[record.partition] = Events()
        facts, readable = self._facts(record)
        events.append(record.offset, record.value, facts, readable)

    def close(self, committed: Mapping[int, int], *, allow_pending: bool = False) -> Report:
        """Judge what only the whole tells.

        Parameters
        ----------
        committed
            The group's committed offsets after every topic was read.
        allow_pending
            Whether events may wait to be processed.
        """
        books = self._books
        closing = Closing(books)
        closing.walk(committed)
        books.balance.judge(books.findings, books.terms.events)
        checked = self._checked(closing)
        return Report(
            books.terms.use_case,
            [self._result(check, checked[check], allow_pending) for check in CHECKS],
            books.balance,
            closing.pending,
            closing.in_motion,
            books.older,
        )

    def _facts(self, record: Observed) -> tuple[Facts, int]:
        fields, terms = record.fields, self._books.terms
        if fields is None:
            return UNREADABLE._replace(key=record.key), 0
        keyed = record.key == str(fields[terms.key_field]).encode()
        facts = Facts(
            str(fields[terms.id_field]),
            record.key,
            fields[terms.time_field],
            fields[terms.amount_field] if terms.amount_field else None,
            fields[terms.currency_field] if terms.currency_field else None,
        )
        return facts, READABLE if keyed else READABLE | MISKEYED

    def _result(self, check: Check, checked: int, allow_pending: bool) -> Result:
        findings = self._books.findings
        offenders = findings.counts[check]
        verdict: Verdict = "FAIL" if offenders else "PASS"
        if offenders and check == "none-pending" and allow_pending:
            verdict = "ALLOWED"
        first = findings.first.get(check)
        return Result(check, PROMISES[check], checked, offenders, verdict, first)

    def _checked(self, closing: Closing) -> dict[Check, int]:
        """Return how many records, or currencies, each check looked at."""
        books = self._books
        decisions = books.balance.decisions.records
        audits = self._audits.of_decisions
        duplicates = self._audits.of_duplicates
        return {
            "no-event-lost": closing.events,
            "none-pending": closing.events + closing.pending,
            "one-fate": closing.events,
            "fate-has-event": books.outputs,
            "one-decision-per-id": closing.decided,
            "one-key-per-id": closing.decided,
            "duplicate-names-first": duplicates,
            "dead-letter-whole": self._dead_letters.seen,
            "dead-letter-reason": self._dead_letters.seen,
            "decision-agrees": decisions,
            "decision-audited": closing.decided,
            "audit-has-decision": audits,
            "audit-agrees": audits + duplicates,
            "audit-input-digest": audits + duplicates,
            "audit-decision-digest": audits,
            "input-order": decisions,
            "committed-only": books.outputs,
            "outputs-readable": books.outputs,
            "counts-balance": books.balance.events.records,
            "amounts-balance": len(books.balance.currencies),
        }
