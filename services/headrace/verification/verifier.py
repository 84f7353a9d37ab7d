"""Verifying a use case on its cluster: reads each topic once and has the ledger judge."""

from collections.abc import Callable, Iterator, Mapping
from time import monotonic
from typing import Any

from confluent_kafka import Message

from headrace.chassis.clients import Clients
from headrace.contracts.registry import Registry
from headrace.contracts.schemas import load_schema
from headrace.contracts.topics import load_topics
from headrace.errors import HeadraceError
from headrace.verification.books import Observed
from headrace.verification.decoding import RecordReader, Unreadable
from headrace.verification.ledger import Ledger
from headrace.verification.reading import Span, committed_offsets, place_of, read, spans
from headrace.verification.report import Report
from headrace.verification.terms import Terms


class Verifier:
    """Reads a use case's topics.

    Parameters
    ----------
    timeout_s
        How long to wait for any one answer, and for an open transaction to end.
    progress
        Told one line for each topic.

    Raises
    ------
    HeadraceError
        The events' schema is missing, or lacks a field that the charter names.
    """

    def __init__(
        self,
        clients: Clients,
        registry: Registry,
        terms: Terms,
        timeout_s: float,
        progress: Callable[[str], None],
    ) -> None:
        self._clients = clients
        self._terms = terms
        self._timeout_s = timeout_s
        self._progress = progress
        schemas = {
            terms.events: terms.schema,
            terms.decisions: "platform/DecisionMade",
            terms.audits: "platform/AuditRecorded",
            terms.dead_letters: "platform/DeadLettered",
        }
        _require_fields(terms, load_schema(terms.schema))
        known = load_topics(terms.use_case, terms.schema)
        self._readers = {
            topic: RecordReader(load_schema(schema), registry.writer, known[topic].max_record_bytes)
            for topic, schema in schemas.items()
        }

    def verify(self, *, allow_pending: bool) -> Report:
        """Read everything and judge it.

        Raises
        ------
        HeadraceError
            A topic could not be read to its end.
        """
        terms = self._terms
        partitions = list(spans(self._clients, terms.events, self._timeout_s))
        # In this order: whatever was committed when we asked stands before the outputs' ends, and
        # the event of every output stands before the events' ends.
        settled = self._committed(partitions)
        outputs = {
            topic: spans(self._clients, topic, self._timeout_s)
            for topic in (terms.decisions, terms.audits, terms.dead_letters)
        }
        events = spans(self._clients, terms.events, self._timeout_s)
        ledger = Ledger(terms, settled, self._begins(events, outputs))
        self._feed(terms.events, events, ledger.event)
        self._feed(terms.decisions, outputs[terms.decisions], ledger.decision)
        self._feed(terms.audits, outputs[terms.audits], ledger.audit)
        self._feed(terms.dead_letters, outputs[terms.dead_letters], ledger.dead_letter)
        return ledger.close(self._committed(partitions), allow_pending=allow_pending)

    def _committed(self, partitions: list[int]) -> dict[int, int]:
        terms = self._terms
        return committed_offsets(
            self._clients, terms.group, terms.events, partitions, self._timeout_s
        )

    def _begins(
        self, events: Mapping[int, Span], outputs: Mapping[str, Mapping[int, Span]]
    ) -> dict[int, int]:
        """Return from which offset on each event's decision and audit record are still kept."""
        begins = {partition: span.start for partition, span in events.items()}
        for topic in (self._terms.decisions, self._terms.audits):
            for partition, span in outputs[topic].items():
                if span.start == 0:
                    continue
                oldest = next(self._records(topic, {partition: span}), None)
                if oldest is not None and oldest.fields is not None:
                    source = oldest.fields["source_partition"]
                    offset = oldest.fields["source_offset"]
                    begins[source] = max(begins.get(source, 0), offset)
        return begins

    def _feed(
        self, topic: str, wanted: Mapping[int, Span], observe: Callable[[Observed], None]
    ) -> None:
        started, number = monotonic(), 0
        for record in self._records(topic, wanted):
            observe(record)
            number += 1
        rate = number / max(monotonic() - started, 1e-9)
        self._progress(f"{topic}: {number:,} records read, {rate:,.0f} a second")

    def _records(self, topic: str, wanted: Mapping[int, Span]) -> Iterator[Observed]:
        reader = self._readers[topic]
        for message in read(self._clients, topic, wanted, self._timeout_s):
            yield _observed(message, reader)


def _require_fields(terms: Terms, schema: Mapping[str, Any]) -> None:
    missing = set(terms.fields) - {field["name"] for field in schema["fields"]}
    if missing:
        raise HeadraceError(
            f"The schema {terms.schema} has no field {min(missing)!r}, which the charter names.",
            fix="Name one of its fields in the charter's [events].",
        )


def _observed(message: Message, reader: RecordReader) -> Observed:
    value = message.value()
    partition, offset = place_of(message)
    try:
        return Observed(partition, offset, message.key(), value, reader(value))
    except Unreadable as unreadable:
        return Observed(partition, offset, message.key(), value, None, str(unreadable))
