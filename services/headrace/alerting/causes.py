"""Which signals belong together, what each kind is called, and where it says what to do."""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, get_args

from headrace.contracts.records import AlertKind, Severity

Cause = Literal["data", "model", "serving", "value", "processing", "liveness"]
CAUSES: Final[tuple[Cause, ...]] = get_args(Cause)
CAUSE_OF: Final[Mapping[AlertKind, Cause]] = {
    "input": "data",
    "quality": "data",
    "score": "model",
    "concept": "model",
    "calibration": "model",
    "label": "model",
    "serving": "serving",
    "cost": "value",
    "dead_letters": "processing",
    "silence": "liveness",
}
"""Ten features that drift at once are one thing that has happened to the data; a model that errs
more often, and whose scores are no probabilities any more, is one model that fits no more."""
WORST_LAST: Final[tuple[Severity, ...]] = get_args(Severity)
WATCHDOG: Final = "watchdog"


class Raised(NamedTuple):
    """Something is not as it should be."""

    kind: AlertKind
    subject: str
    """What was watched."""
    signal_id: str
    """The same while it lasts."""
    summary: str
    place: str
    """Where it was said, unlike all others: an incident that it opens is named after it."""
    traceparent: str = ""
    """W3C's, of the record that said it; empty where there is none."""


class Cleared(NamedTuple):
    """Something is as it should be again."""

    kind: AlertKind
    subject: str
    signal_id: str | None
    """None where whichever is meant that lasts."""
    reason: str


def runbook(kind: AlertKind | Literal["watchdog"]) -> str:
    """Return the page that says what to do, from the root of the repository."""
    return f"docs/runbooks/{kind.replace('_', '-')}.md"
