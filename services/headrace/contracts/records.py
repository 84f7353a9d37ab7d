"""The platform's records as typed Python, field by field as in ``schemas/platform``.

Times are milliseconds since the epoch in UTC, digests are 32 raw bytes.
A contract test holds these to the ``.avsc`` files.
"""

from typing import Literal, TypedDict

from headrace.contracts.reasons import DeadLetterReason


class DecisionMade(TypedDict):
    """One decision about one event, with everything needed to prove and to replay it."""

    decision_id: str
    event_id: str
    use_case: str
    key: str
    source_topic: str
    source_partition: int
    source_offset: int
    occurred_at_ms: int
    decided_at_ms: int
    amount_minor: int | None
    currency: str | None
    charter_digest: bytes
    feature_set: bytes
    features: list[float]
    model: str
    model_version: str
    model_digest: bytes
    arm: str
    arm_probability: float
    score: float
    policy_version: str
    action: str
    rule_hits: list[str]
    reasons: list[str]
    late: bool
    reason_codes: list[str]
    contributions: list[float]
    expected_cost_minor: int | None
    stage: str
    acted: bool
    deadline_missed: bool
    fallback: str
    trace_id: str


class AuditRecorded(TypedDict):
    """What was done with one event, by which exact versions."""

    kind: Literal["decision", "duplicate"]
    use_case: str
    service: str
    event_id: str
    key: str
    source_topic: str
    source_partition: int
    source_offset: int
    input_sha256: bytes
    decision_id: str
    decision_sha256: bytes | None
    first_offset: int | None
    model_digest: bytes
    charter_digest: bytes
    policy_version: str
    recorded_at_ms: int


class LabelObserved(TypedDict):
    """What an event has turned out to be, as far as one source knows it by now."""

    event_id: str
    key: str
    source: Literal["analyst", "chargeback", "correction", "appeal"]
    value: bool
    observed_at_ms: int
    revision: int


class EvaluationMade(TypedDict):
    """How good a model's scores of a window's events were, as far as it was known by then."""

    use_case: str
    model: str
    model_version: str
    label_source: str
    window_start_ms: int
    window_end_ms: int
    final: bool
    outcomes: int
    known_at_ms: int
    positives: int
    negatives: int
    censored: int
    log_loss: float | None
    roc_auc: float | None
    average_precision: float | None
    precision_at_capacity: float | None
    calibration_error: float | None
    mean_score: float | None
    positive_share: float | None
    priced: int
    currency: str | None
    cost_minor: int | None
    cost_of_approving_minor: int | None
    saved_minor: int | None


class Header(TypedDict):
    """One header of a dead letter's record, as it was read."""

    name: str
    value: bytes | None


class DeadLettered(TypedDict):
    """A record that could not be processed, whole, and why."""

    reason: DeadLetterReason
    detail: str
    service: str
    source_topic: str
    source_partition: int
    source_offset: int
    source_timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: list[Header]
    dead_lettered_at_ms: int


class StateChanged(TypedDict):
    """One change of a service's state, in the transaction of the input that caused it."""

    format: int
    offset: int
    body: bytes


class PauseChanged(TypedDict):
    """A service paused itself, or was released."""

    service: str
    paused: bool
    reason: str
    by: str
    changed_at_ms: int


class EntityListed(TypedDict):
    """An entity was put on a list that rules look at, or taken off it."""

    list: str
    entity: str
    listed: bool
    reason: str
    by: str
    changed_at_ms: int


class ReplayRequested(TypedDict):
    """A dead letter's record was published again, in the transaction that holds this."""

    dead_letter_topic: str
    dead_letter_partition: int
    dead_letter_offset: int
    dead_letter_reason: DeadLetterReason
    source_topic: str
    source_partition: int
    source_offset: int
    replayed_offset: int
    by: str
    reason: str
    requested_at_ms: int
