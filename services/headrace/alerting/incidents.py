"""An incident: what it consists of, and what can become of it."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Literal, NamedTuple, Self

import orjson

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
    """By itself."""
    hushed_until_ms: int | None = None
    """With all of its cause."""
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
        return self.quiet_until_ms is not None

    @property
    def quiet_until_ms(self) -> int | None:
        """Until when nobody is told, by whichever silence lasts longer; None where none does."""
        ends = [self.silenced_until_ms, self.hushed_until_ms]
        return max((each for each in ends if each is not None), default=None)

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

    def end_silences(self, at_ms: int) -> bool:
        """Forget the silences that are over; return whether none is left, and one was."""
        was_silenced = self.is_silenced
        if self.silenced_until_ms is not None and at_ms >= self.silenced_until_ms:
            self.silenced_until_ms = None
        if self.hushed_until_ms is not None and at_ms >= self.hushed_until_ms:
            self.hushed_until_ms = None
        return was_silenced and not self.is_silenced

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


@dataclass(frozen=True, slots=True)
class Silence:
    """Nobody is told of what belongs to a cause, whether it has happened yet or not."""

    until_ms: int
    by: str
    reason: str


@dataclass(slots=True)
class Incidents:
    """What is the matter of one cause, or was until lately."""

    each: list[Incident] = field(default_factory=list)
    silence: Silence | None = None

    def copy(self) -> "Incidents":
        """Return a copy that shares nothing mutable."""
        return Incidents([incident.copy() for incident in self.each], self.silence)

    def body(self) -> bytes:
        """Return it as bytes."""
        return orjson.dumps(asdict(self))

    @classmethod
    def restored(cls, body: bytes) -> Self:
        """Return what :meth:`body` says; it was the incidents alone before causes had silences."""
        said = orjson.loads(body)
        values: dict[str, Any] = said if isinstance(said, dict) else {"each": said}
        silence = values.get("silence")
        return cls(
            [_restored(each) for each in values["each"]],
            None if silence is None else Silence(**silence),
        )


def _restored(values: dict[str, Any]) -> Incident:
    signals = {subject: Watched(**each) for subject, each in values["signals"].items()}
    return Incident(**{**values, "signals": signals})


def latest_first(incidents: list[Incident]) -> Iterator[Incident]:
    """Yield those that go on before those that are resolved, each the latest first."""
    newest = incidents[::-1]
    yield from sorted(newest, key=lambda each: each.is_resolved)
