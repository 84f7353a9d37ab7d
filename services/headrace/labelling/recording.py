"""From a verdict to the record of it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from headrace.contracts.reasons import DeadLetterReason
from headrace.contracts.records import DeadLettered, OutcomeKnown, ProfileObserved
from headrace.labelling.domain import Verdict
from headrace.labelling.state import Kept
from headrace.usecase.profiles import whose

_OF_DECISION: Final = (
    "decision_id",
    "event_id",
    "use_case",
    "key",
    "occurred_at_ms",
    "decided_at_ms",
    "amount_minor",
    "currency",
    "charter_digest",
    "feature_set",
    "features",
    "model",
    "model_version",
    "model_digest",
    "arm",
    "arm_probability",
    "score",
    "action",
    "expected_cost_minor",
    "stage",
    "acted",
    "fallback",
)


def outcome(
    decision: Mapping[str, Any], verdict: Verdict, revision: int, replaces: bool | None
) -> OutcomeKnown:
    """Return the outcome of a decision.

    Parameters
    ----------
    revision
        Counts the outcomes of the decision, from 1.
    replaces
        The value of the one before.
    """
    return cast(
        "OutcomeKnown",
        {
            **{name: decision[name] for name in _OF_DECISION},
            "value": verdict.value,
            "source": verdict.source,
            "known_at_ms": verdict.known_at_ms,
            "delay_ms": verdict.known_at_ms - decision["occurred_at_ms"],
            "revision": revision,
            "replaces": replaces,
        },
    )


def observed(
    decision: Mapping[str, Any], verdict: Verdict, replaces: bool | None
) -> Iterator[ProfileObserved]:
    """Yield what a verdict tells of those whom its event counts for: of positives alone."""
    is_positive, was_positive = verdict.value is True, replaces is True
    if is_positive == was_positive:
        return
    for profile, key in map(whose, decision["profile_keys"]):
        yield ProfileObserved(
            profile=profile,
            key=key,
            occurred_at_ms=decision["occurred_at_ms"],
            told="positive" if is_positive else "retracted",
        )


def given_up(
    label: Kept,
    key: str,
    topic: str,
    partition: int,
    reason: DeadLetterReason,
    detail: str,
    now_ms: int,
) -> DeadLettered:
    """Return the dead letter of a label that was read before; its headers are not kept."""
    return DeadLettered(
        reason=reason,
        detail=detail,
        service="labelling",
        source_topic=topic,
        source_partition=partition,
        source_offset=label.offset,
        source_timestamp_ms=label.timestamp_ms,
        key=key.encode(),
        value=label.value,
        headers=[],
        dead_lettered_at_ms=now_ms,
    )
