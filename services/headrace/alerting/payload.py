"""What a webhook gets: Alertmanager's payload, so that whatever reads that reads ours.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

import orjson

from headrace.alerting.causes import WATCHDOG, runbook
from headrace.alerting.incidents import Changed, Watched
from headrace.usecase.accountability import Owner

RECEIVER: Final = "headrace"
_NEVER: Final = "0001-01-01T00:00:00Z"
"""As Alertmanager writes the end of what goes on (Go's zero time)."""
Labels = dict[str, str]


class Payloads:
    """Makes payloads for one use case.

    Parameters
    ----------
    runbooks_url
        Where the pages of ``docs/runbooks`` are found; empty: they are named by their path.
    external_url
        Where people look further, if anywhere.
    """

    def __init__(
        self, use_case: str, owner: Owner, runbooks_url: str = "", external_url: str = ""
    ) -> None:
        self._use_case = use_case
        self._owner = owner
        self._runbooks_url = runbooks_url.rstrip("/")
        self._external_url = external_url

    def of_change(self, changed: Changed) -> str:
        """Return what is told of an incident: one alert for each of its signals."""
        incident = changed.incident
        alerts = [self._alert(changed, each) for each in incident.signals.values()]
        about = {
            "summary": f"{incident.incident_id} {changed.change}: {changed.reason}",
            "runbook_url": self.runbook_url(runbook(incident.worst.kind)),
            "change": changed.change,
            "by": changed.by,
        }
        common = {
            "cause": incident.cause,
            "severity": incident.worst.severity,
            "escalations": str(incident.escalations),
        }
        status = "resolved" if incident.is_resolved else "firing"
        return self._payload(incident.incident_id, status, common, about, alerts)

    def of_watchdog(self, minute_ms: int) -> str:
        """Return the sign of life of a minute, which always fires: a receiver must miss it."""
        labels = self._labels(WATCHDOG) | {"alertname": "Watchdog", "severity": "info"}
        about = {
            "summary": "alerting lives; tell somebody where this does not come every minute",
            "runbook_url": self.runbook_url(runbook("watchdog")),
        }
        alert = _alert("firing", labels, about, minute_ms, None, self._external_url)
        return self._payload(WATCHDOG, "firing", {"severity": "info"}, about, [alert])

    def runbook_url(self, page: str) -> str:
        """Return where a page of the repository is found."""
        return f"{self._runbooks_url}/{page.rpartition('/')[2]}" if self._runbooks_url else page

    def _labels(self, incident_id: str) -> Labels:
        return {"use_case": self._use_case, "incident": incident_id, "owner": self._owner.name}

    def _alert(self, changed: Changed, watched: Watched) -> dict[str, Any]:
        labels = self._labels(changed.incident.incident_id) | {
            "alertname": watched.kind,
            "subject": watched.subject,
            "severity": watched.severity,
        }
        about = {
            "summary": watched.summary,
            "runbook_url": self.runbook_url(runbook(watched.kind)),
            "contact": self._owner.contact,
        }
        status = "firing" if watched.is_active else "resolved"
        return _alert(
            status, labels, about, watched.raised_ms, watched.cleared_ms, self._external_url
        )

    def _payload(
        self,
        incident_id: str,
        status: str,
        common: Mapping[str, str],
        about: Mapping[str, str],
        alerts: Sequence[Mapping[str, Any]],
    ) -> str:
        group = {"use_case": self._use_case, "incident": incident_id}
        key = f'{{}}:{{incident="{incident_id}", use_case="{self._use_case}"}}'
        payload = {
            "version": "4",
            "groupKey": key,
            "truncatedAlerts": 0,
            "status": status,
            "receiver": RECEIVER,
            "groupLabels": group,
            "commonLabels": {**self._labels(incident_id), **common},
            "commonAnnotations": {"contact": self._owner.contact, **about},
            "externalURL": self._external_url,
            "alerts": alerts,
        }
        return orjson.dumps(payload).decode()


def _alert(
    status: str,
    labels: Labels,
    about: Mapping[str, str],
    starts_ms: int,
    ends_ms: int | None,
    generator_url: str,
) -> dict[str, Any]:
    return {
        "status": status,
        "labels": labels,
        "annotations": about,
        "startsAt": _time(starts_ms),
        "endsAt": _NEVER if ends_ms is None else _time(ends_ms),
        "generatorURL": generator_url,
        "fingerprint": _fingerprint(labels),
    }


def _time(time_ms: int) -> str:
    moment = datetime.fromtimestamp(time_ms / 1_000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _fingerprint(labels: Labels) -> str:
    """Return 16 digits that tell an alert by its labels: the severity of one may change."""
    named = sorted((name, value) for name, value in labels.items() if name != "severity")
    return sha256(orjson.dumps(named)).hexdigest()[:16]
