"""What was noticed as a record."""

from typing import NamedTuple

from headrace.contracts.records import SignalChanged
from headrace.drift import outcomes
from headrace.drift.segments import divided
from headrace.drift.watch import Noticed

_MEASURES = {
    "input": "mean of the feature",
    "score": "mean score",
    "quality/volume": "logarithm of the events in an hour, of what is usual",
    "quality/dead_letters": "share of dead letters",
    "quality/schema": "schemas, one beside the other",
    "quality/null": "share of nulls",
    "serving/fallback": "share of decisions without the model",
    "serving/deadline_missed": "share of decisions after the deadline",
    "serving/late": "share of events that came late",
}


class Evidence(NamedTuple):
    """The last record that is evidence, by its place."""

    topic: str
    partition: int
    offset: int


def signal_changed(use_case: str, noticed: Noticed, last: Evidence) -> SignalChanged:
    """Return the record of something that was noticed."""
    change, subject = noticed.change, noticed.subject
    whole, segment = divided(subject)
    is_of_outcomes = noticed.kind in ("concept", "calibration", "label")

    def shown(mean: float) -> float:
        return outcomes.shown(whole, mean) if is_of_outcomes else mean

    return {
        "signal_id": f"{subject}@{change.began_ms}",
        "use_case": use_case,
        "kind": noticed.kind,
        "subject": subject,
        "segment": segment,
        "state": "raised" if change.is_raised else "cleared",
        "reason": change.reason,
        "since_ms": change.began_ms,
        "noticed_at_ms": change.noticed_at_ms,
        "observed": change.observed,
        "measure": _measure(whole),
        "before": shown(change.sized.before),
        "after": shown(change.sized.after),
        "magnitude": change.sized.magnitude,
        "once_in": noticed.once_in,
        "detector": "ranked CUSUM",
        "features": [
            {
                "feature": each.feature,
                "magnitude": each.change.sized.magnitude,
                "before": each.change.sized.before,
                "after": each.change.sized.after,
            }
            for each in noticed.shifts
        ],
        "examples": change.examples,
        "model": noticed.model,
        "model_version": noticed.model_version,
        "source_topic": last.topic,
        "source_partition": last.partition,
        "source_offset": last.offset,
    }


def _measure(subject: str) -> str:
    kind, _, rest = subject.partition("/")
    for name in (subject, f"{kind}/{rest.partition('/')[0]}", kind):
        if name in _MEASURES:
            return _MEASURES[name]
    return outcomes.measure_of(subject)
