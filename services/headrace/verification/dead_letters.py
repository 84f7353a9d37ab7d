"""The checks of the dead letters."""

from headrace.verification.books import Books, Observed, place
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
        events, row, source = found
        readable = events.flags[row] & READABLE
        if readable:
            facts = events.facts(row)
            books.balance.dead_letters.add(facts.amount_minor, facts.currency)
        else:
            books.balance.unreadable_dead_letters += 1
        if readable and fields["reason"] in DECODE_REASONS:
            books.findings.add(
                "dead-letter-reason",
                place(self._topic, record),
                f"no dead letter for want of reading {source}, which can be read",
                fields["reason"],
            )
        held = (fields["key"], digest(fields["value"]).hex())
        original = (events.key(row), events.digest(row).hex())
        if held != original:
            books.findings.add(
                "dead-letter-whole",
                place(self._topic, record),
                f"the key and the SHA-256 of the value of {source}: {original}",
                held,
            )
        books.mark(self._topic, record, found, DEAD)
