"""What can be judged only when every topic has been read: a walk over the events."""

from collections.abc import Mapping

from headrace.verification.books import Books
from headrace.verification.checks import Place, shown
from headrace.verification.history import AUDITED, DECIDED, FATES, READABLE, Events

_PARTITION_BITS = 48  # an event's place in one integer: its partition above, its row below
_ROW_MASK = (1 << _PARTITION_BITS) - 1


class Closing:
    """Walks over the events of every partition in the order of their offsets."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._topic = books.terms.events
        self._decided: dict[str, int] = {}
        self._decided_again: dict[str, list[int]] = {}
        self._newest_ms: dict[bytes | None, int] = {}
        self.events = 0
        self.decided = 0
        self.pending = 0
        self.in_motion = 0

    def walk(self, committed: Mapping[int, int]) -> None:
        """Judge every event, and the outputs that refer to input past the settled offset.

        Parameters
        ----------
        committed
            The committed offset of each partition after every topic was read.
        """
        for partition, events in sorted(self._books.history.items()):
            settled = self._books.settled.get(partition, 0)
            processed = committed.get(partition, 0)
            for row, offset, flags in events:
                if offset < settled:
                    self._judge(partition, events, row, flags)
                elif offset < processed:
                    self.in_motion += 1
                else:
                    self._wait(partition, events, row, processed)
        self._judge_unsettled(committed)

    def _judge(self, partition: int, events: Events, row: int, flags: int) -> None:
        self.events += 1
        if flags & READABLE:
            facts = events.facts(row)
            self._books.balance.events.add(facts.amount_minor, facts.currency)
        else:
            self._books.balance.unreadable_events += 1
        if not flags & FATES:
            place = self._place(partition, events, row)
            self._books.findings.add("no-event-lost", place, "a fate", "none")
        if flags & DECIDED:
            self.decided += 1
            if not flags & AUDITED:
                place = self._place(partition, events, row)
                decision = f"{place.topic}:{partition}:{place.offset}"
                self._books.findings.add(
                    "decision-audited", place, f"an audit record of decision {decision}", "none"
                )
            if flags & READABLE:
                self._judge_id(partition, events, row)

    def _judge_id(self, partition: int, events: Events, row: int) -> None:
        event_id, key, occurred_at_ms, _, _ = events.facts(row)
        newest_ms = max(self._newest_ms.get(key, occurred_at_ms), occurred_at_ms)
        self._newest_ms[key] = newest_ms
        here = partition << _PARTITION_BITS | row
        before = self._decided.setdefault(event_id, here)
        if before == here:
            return
        again = self._decided_again.setdefault(event_id, [])
        place = self._place(partition, events, row)
        any(
            self._repeats(place, key, occurred_at_ms, newest_ms, earlier)
            for earlier in (before, *again)
        )
        again.append(here)

    def _repeats(
        self, place: Place, key: bytes | None, occurred_at_ms: int, newest_ms: int, earlier: int
    ) -> bool:
        """Return whether a decided event offends against an earlier one of the same id."""
        partition, row = earlier >> _PARTITION_BITS, earlier & _ROW_MASK
        events = self._books.history[partition]
        first_id, first_key, first_ms, _, _ = events.facts(row)
        where = f"{self._topic}:{partition}:{events.offset(row)}"
        span_ms = self._books.terms.duplicate_span_ms
        if key != first_key:
            self._books.findings.add(
                "one-key-per-id",
                place,
                f"key {shown(first_key)}, under which {first_id!r} was decided at {where}",
                f"key {shown(key)}",
            )
            return True
        # The key's own time tells how old the first one is: same bytes have the same time.
        if newest_ms - first_ms < span_ms and first_ms - occurred_at_ms < span_ms:
            self._books.findings.add(
                "one-decision-per-id", place, f"a duplicate of the decided {where}", "a decision"
            )
            return True
        return False

    def _wait(self, partition: int, events: Events, row: int, processed: int) -> None:
        self.pending += 1
        self._books.findings.add(
            "none-pending",
            self._place(partition, events, row),
            "a committed offset past the event",
            f"committed offset {processed}",
        )

    def _judge_unsettled(self, committed: Mapping[int, int]) -> None:
        for place, partition, offset in self._books.unsettled:
            processed = committed.get(partition, 0)
            if offset >= processed:
                self._books.findings.add(
                    "committed-only",
                    place,
                    f"input before {partition}:{processed}, the committed offset",
                    f"input {partition}:{offset}",
                )

    def _place(self, partition: int, events: Events, row: int) -> Place:
        return Place(self._topic, partition, events.offset(row), events.event_id(row))
