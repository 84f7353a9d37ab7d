"""Writing what came of a batch: changes of incidents, and what people are told."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from headrace.alerting.incidents import Changed
from headrace.alerting.payload import Payloads
from headrace.alerting.recording import alert_raised, incident_changed, watchdog_raised
from headrace.chassis.records import Answer, Handled, Outgoing
from headrace.chassis.topology import Channel
from headrace.chassis.tracing import Trace
from headrace.contracts.records import AlertRaised
from headrace.usecase.charter import Charter


class Told(NamedTuple):
    """What came of a batch."""

    changes: list[tuple[Changed, Trace | None]]
    """With the trace of the record that has caused it."""
    watchdogs: list[int]


class Writer:
    """Encodes what came of a batch."""

    def __init__(
        self, charter: Charter, payloads: Payloads, incidents: Channel, alerts: Channel
    ) -> None:
        self._use_case, self._owner = charter.name, charter.owner
        self._payloads = payloads
        self._incidents = incidents
        self._alerts = alerts

    def write(self, told: Told, handled: Handled) -> None:
        """Add records to what is handled, and count them."""
        changed = [
            (incident_changed(change, self._use_case, self._owner), change, trace)
            for change, trace in told.changes
        ]
        alerts: list[tuple[AlertRaised, Answer | None]] = [
            (
                alert_raised(change, self._use_case, self._owner, self._payloads),
                _answer(change, trace),
            )
            for change, trace in told.changes
            if change.is_told
        ]
        alerts += [
            (watchdog_raised(minute, self._use_case, self._owner, self._payloads), None)
            for minute in told.watchdogs
        ]
        _put(
            handled,
            self._incidents,
            [(record, _answer(change, trace)) for record, change, trace in changed],
        )
        _put(handled, self._alerts, alerts)
        handled.counts["incident_changes"] += len(changed)
        handled.counts["alerts"] += len(alerts)


def _answer(change: Changed, trace: Trace | None) -> Answer | None:
    """Return the trace in which a change is told: of what caused it, else of its incident."""
    if trace is not None:
        return Answer(trace, {"headrace.incident": change.incident.incident_id})
    carried = change.incident.traceparent
    if not carried:
        return None
    _, trace_id, span_id, flags = carried.split("-")
    return Answer(Trace(trace_id, span_id, span_id, int(flags, 16), is_recorded=False))


def _put(handled: Handled, channel: Channel, records: Sequence[tuple[Any, Answer | None]]) -> None:
    """Add records of incidents, each under its incident's id."""
    if records:
        handled.outgoing.append(
            Outgoing(
                channel.topic,
                [record["incident_id"] for record, _ in records],
                [channel.encode(record) for record, _ in records],
                {row: answer for row, (_, answer) in enumerate(records) if answer},
            )
        )
