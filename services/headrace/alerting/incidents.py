"""An incident: what it consists of, and what can become of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, NamedTuple

from headrace.alerting.causes import WORST_LAST, Cause
from headrace.contracts.records import AlertKind, IncidentChange, IncidentState, Severity

ALERTING: Final = "alerting"
"""Who does what no person does."""
ESCALATIONS_MOST: Final = 3
Told = Literal["nothing", "firing", "resolved"]


@dataclass(frozen=True, slots=True)
class Watched:
    """One of the things that an incident consists of."""

    kind: AlertKind
    subject: str
    signal_id: str
    severity: Severity
    summary: str
    raised_ms: int
    cleared_ms: int | None = None

    @property
    def is_active(self) -> bool:
        """Whether it lasts."""
        return self.cleared_ms is None


@dataclass(slots=True)
class Incident:
    """What belongs together. Times are milliseconds of the clock that comes with the records."""

    incident_id: str
    cause: Cause
    opened_ms: int
    """Or reopened last."""
    grown_ms: int
    """When its latest signal came."""
    pressing_ms: int
    """Since when it waits to be acknowledged."""
    traceparent: str = ""
    """W3C's, of its latest signal that has one."""
    number: int = 0
    """Of its changes so far."""
    signals: dict[str, Watched] = field(default_factory=dict)
    """By subject."""
    acknowledged_by: str = ""
    escalations: int = 0
    silenced_until_ms: int | None = None
    resolved_ms: int | None = None
    told: Told = "nothing"
    """What people were told last."""
    told_ms: int = 0
    has_untold: bool = False
    """It has grown while it cooled down."""

    @property
    def is_active(self) -> bool:
        """Whether any of its signals lasts."""
        return any(each.is_active for each in self.signals.values())

    @property
    def is_resolved(self) -> bool:
        """Whether it is over."""
        return self.resolved_ms is not None

    @property
    def is_silenced(self) -> bool:
        """Whether nobody is told."""
        return self.silenced_until_ms is not None

    @property
    def cleared_ms(self) -> int:
        """When the last of its signals ended."""
        return max(each.cleared_ms or 0 for each in self.signals.values())

    @property
    def state(self) -> IncidentState:
        """Where it stands."""
        if self.is_resolved:
            return "resolved"
        return "acknowledged" if self.acknowledged_by else "open"

    @property
    def worst(self) -> Watched:
        """The most urgent of its signals that last; of all, where none does."""
        signals = list(self.signals.values())
        active = [each for each in signals if each.is_active]
        return max(active or signals, key=lambda each: WORST_LAST.index(each.severity))

    @property
    def urgency(self) -> int:
        """How urgent the worst of it is, the higher the more."""
        return WORST_LAST.index(self.worst.severity)

    def copy(self) -> "Incident":
        """Return a copy that shares nothing mutable."""
        return replace(self, signals=dict(self.signals))

    def changed(
        self, change: IncidentChange, at_ms: int, reason: str, *, by: str = ALERTING, tell: bool
    ) -> "Changed":
        """Give a change that was made its number, and note what people hear of it.

        Parameters
        ----------
        tell
            Whether people are told, unless the incident is silenced.
        """
        self.number += 1
        is_told = tell and not self.is_silenced
        if is_told:
            self.told = "resolved" if self.is_resolved else "firing"
            self.told_ms, self.has_untold = at_ms, False
        return Changed(self.copy(), change, at_ms, by, reason, is_told)


class Changed(NamedTuple):
    """What has become of an incident."""

    incident: Incident
    """As it is from then on."""
    change: IncidentChange
    at_ms: int
    by: str
    reason: str
    is_told: bool

    @property
    def alert_id(self) -> str:
        """The change's own name, the same however often it is told."""
        return f"{self.incident.incident_id}/{self.incident.number}"


def restored(values: dict[str, Any]) -> Incident:
    """Return an incident of what ``dataclasses.asdict`` has made of it."""
    signals = {subject: Watched(**each) for subject, each in values["signals"].items()}
    return Incident(**{**values, "signals": signals})


def latest_first(incidents: list[Incident]) -> Iterator[Incident]:
    """Yield those that go on before those that are resolved, each the latest first."""
    newest = incidents[::-1]
    yield from sorted(newest, key=lambda each: each.is_resolved)
