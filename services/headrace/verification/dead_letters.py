"""The checks of the dead letters."""

from headrace.verification.books import Books, Found, Observed, place
from headrace.verification.history import DEAD, READABLE, digest

DECODE_REASONS = frozenset(
    {
        "null_value",
        "too_large",
        "bad_framing",
        "unknown_schema",
        "undecodable",
        "trailing_bytes",
    }
)
"""The reasons that say of an event that it cannot be read; the others judge what was read."""


class DeadLetterChecks:
    """Observes every dead letter."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._topic = books.terms.dead_letters
        self.seen = 0

    def observe(self, record: Observed) -> None:
        """Check a dead letter against its event."""
        books = self._books
        fields = books.readable(self._topic, record)
        if fields is None:
            return
        found = books.find(self._topic, record, fields, books.balance.dead_letters)
        if found is None:
            return
        self.seen += 1
        self._check_reason(record, fields["reason"], found)
        held = (fields["key"], digest(fields["value"]).hex())
        original = (found.events.key(found.row), found.events.digest(found.row).hex())
        if held != original:
            books.findings.add(
                "dead-letter-whole",
                place(self._topic, record),
                f"the key and the SHA-256 of the value of {found.source}: {original}",
                held,
            )
        books.mark(self._topic, record, found, DEAD)

    def _check_reason(self, record: Observed, reason: str, found: Found) -> None:
        """Put the event where it belongs in the balance, and compare that with the reason."""
        books = self._books
        if not found.events.flags[found.row] & READABLE:
            books.balance.unreadable_dead_letters += 1
            return
        facts = found.events.facts(found.row)
        books.balance.dead_letters.add(facts.amount_minor, facts.currency)
        if reason in DECODE_REASONS:
            books.findings.add(
                "dead-letter-reason",
                place(self._topic, record),
                f"no dead letter for want of reading {found.source}, which can be read",
                reason,
            )
