"""What people are told of, how urgent it is, and how often they are told."""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import Field
from pydantic.dataclasses import dataclass

from headrace.contracts.records import AlertKind, Severity
from headrace.usecase.declared import DAY_MS, STRICT, DurationMs

_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 3_600_000
Share = Annotated[float, Field(strict=True, gt=0, le=1)]

USUAL_SEVERITIES: Final[Mapping[AlertKind, Severity]] = {
    "input": "warning",
    "quality": "warning",
    "score": "warning",
    "label": "warning",
    "calibration": "warning",
    "concept": "critical",
    "serving": "critical",
    "cost": "critical",
    "dead_letters": "critical",
    "silence": "critical",
}
"""By kind of alert, where the charter says nothing else."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Alerting:
    """How signals become incidents, and incidents become alerts."""

    severities: dict[AlertKind, Severity] = Field(default={}, examples=[{"input": "info"}])
    """By kind of alert, how urgent it is; what is not named is as docs/charter.md says."""
    group_within_ms: DurationMs = Field(
        default=10 * _MINUTE_MS, alias="group_within", examples=["10m"]
    )
    """What comes so soon after an incident's latest signal, of the same cause, belongs to it."""
    cool_down_ms: DurationMs = Field(default=5 * _MINUTE_MS, alias="cool_down", examples=["5m"])
    """An incident that grows is told again no sooner than this."""
    escalate_after_ms: DurationMs = Field(
        default=30 * _MINUTE_MS, alias="escalate_after", examples=["30m"]
    )
    """An incident that nobody has acknowledged for so long is told more urgently."""
    resolve_after_ms: DurationMs = Field(
        default=10 * _MINUTE_MS, alias="resolve_after", examples=["10m"]
    )
    """An incident whose signals have all been clear for so long is resolved."""
    reopen_within_ms: DurationMs = Field(default=DAY_MS, alias="reopen_within", examples=["1d"])
    """A signal that belongs to an incident opens it again so soon after it was resolved."""
    missing_after_ms: DurationMs = Field(default=_MINUTE_MS, alias="missing_after", examples=["1m"])
    """A service of which nothing was heard for so long is missing."""
    dead_letter_share: Share = 0.05
    """Share of dead letters among what a service reads in a minute, above which people are told."""

    def severity(self, kind: AlertKind) -> Severity:
        """Return how urgent a kind of alert is."""
        return self.severities.get(kind, USUAL_SEVERITIES[kind])
