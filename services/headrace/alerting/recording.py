"""Incidents and alerts as records."""

from headrace.alerting.causes import WATCHDOG, runbook
from headrace.alerting.incidents import Changed
from headrace.alerting.payload import Payloads
from headrace.contracts.records import AlertRaised, IncidentChanged, IncidentSignal
from headrace.usecase.accountability import Owner

MINUTE_MS = 60_000


def incident_changed(changed: Changed, use_case: str, owner: Owner) -> IncidentChanged:
    """Return the record of a change, with the whole incident as it is then."""
    incident = changed.incident
    return IncidentChanged(
        incident_id=incident.incident_id,
        number=incident.number,
        change=changed.change,
        by=changed.by,
        reason=changed.reason,
        changed_at_ms=changed.at_ms,
        is_told=changed.is_told,
        use_case=use_case,
        cause=incident.cause,
        state=incident.state,
        severity=incident.worst.severity,
        owner=owner.name,
        opened_at_ms=incident.opened_ms,
        acknowledged_by=incident.acknowledged_by,
        escalations=incident.escalations,
        silenced_until_ms=incident.quiet_until_ms,
        signals=[
            IncidentSignal(
                kind=each.kind,
                subject=each.subject,
                signal_id=each.signal_id,
                severity=each.severity,
                summary=each.summary,
                runbook=runbook(each.kind),
                raised_at_ms=each.raised_ms,
                cleared_at_ms=each.cleared_ms,
            )
            for each in incident.signals.values()
        ],
    )


def alert_raised(changed: Changed, use_case: str, owner: Owner, payloads: Payloads) -> AlertRaised:
    """Return what people are told of a change."""
    incident = changed.incident
    return AlertRaised(
        alert_id=changed.alert_id,
        incident_id=incident.incident_id,
        use_case=use_case,
        change=changed.change,
        status="resolved" if incident.is_resolved else "firing",
        severity=incident.worst.severity,
        owner=owner.name,
        contact=owner.contact,
        runbook=runbook(incident.worst.kind),
        summary=changed.reason,
        raised_at_ms=changed.at_ms,
        body=payloads.of_change(changed),
    )


def watchdog_raised(minute: int, use_case: str, owner: Owner, payloads: Payloads) -> AlertRaised:
    """Return the sign of life of a minute, counted since the epoch."""
    minute_ms = minute * MINUTE_MS
    return AlertRaised(
        alert_id=f"{WATCHDOG}/{minute}",
        incident_id=WATCHDOG,
        use_case=use_case,
        change="watchdog",
        status="firing",
        severity="info",
        owner=owner.name,
        contact=owner.contact,
        runbook=runbook("watchdog"),
        summary="alerting lives",
        raised_at_ms=minute_ms,
        body=payloads.of_watchdog(minute_ms),
    )
