"""The platform's records as typed Python, field by field as in ``schemas/platform``.

Times are milliseconds since the epoch in UTC, digests are 32 raw bytes.
A contract test holds these to the ``.avsc`` files.
"""

from typing import Literal, TypedDict

from headrace.contracts.reasons import DeadLetterReason

SignalKind = Literal["input", "score", "concept", "calibration", "label", "quality", "serving"]
"""What has drifted: what comes in, what is said of it, whether that is right, and how well."""
AlertKind = Literal[SignalKind, "cost", "dead_letters", "silence"]
"""What people are told of: drift; decisions that cost more than none; what fails; who is gone."""
Severity = Literal["info", "warning", "critical"]
IncidentChange = Literal[
    "opened",
    "grown",  # another signal belongs to it
    "cleared",  # one of its signals is over
    "cooled_down",  # it has grown while nobody was to be told again so soon
    "acknowledged",
    "escalated",  # nobody has acknowledged it in time
    "resolved",
    "reopened",
    "silenced",
    "silence_ended",
]
IncidentState = Literal["open", "acknowledged", "resolved"]
IncidentCommand = Literal["ack", "resolve", "silence"]


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
    profile_keys: list[str]


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
    """What an event has turned out to be, as far as one source knows it by now.

    A heartbeat is about no event: the source has published all that it observed until then.
    """

    event_id: str
    key: str
    source: Literal["analyst", "chargeback", "correction", "appeal"]
    value: bool
    observed_at_ms: int
    revision: int
    kind: Literal["label", "heartbeat"]


class OutcomeKnown(TypedDict):
    """What a decided event has turned out to be, and what was known of it when it was decided."""

    decision_id: str
    event_id: str
    use_case: str
    key: str
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
    action: str
    expected_cost_minor: int | None
    stage: str
    acted: bool
    fallback: str
    value: bool | None
    source: str
    known_at_ms: int
    delay_ms: int
    revision: int
    replaces: bool | None


class ProfileObserved(TypedDict):
    """One thing that became known of an event, for one profile that the event counts for."""

    profile: str
    key: str
    occurred_at_ms: int
    told: Literal["decided", "positive", "retracted"]


class ProfileChanged(TypedDict):
    """What is counted by now of one key of a profile in one bucket of event time."""

    profile: str
    key: str
    start_ms: int
    end_ms: int
    events: int
    positives: int


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


class FeatureDrift(TypedDict):
    """How one feature has changed."""

    feature: str
    magnitude: float
    before: float
    after: float


class SignalChanged(TypedDict):
    """Something about a use case has drifted, or is as it should be again."""

    signal_id: str
    use_case: str
    kind: SignalKind
    subject: str
    segment: str
    state: Literal["raised", "cleared"]
    reason: str
    since_ms: int
    noticed_at_ms: int
    observed: int
    measure: str
    before: float
    after: float
    magnitude: float
    once_in: float
    detector: str
    features: list[FeatureDrift]
    examples: list[str]
    model: str
    model_version: str
    source_topic: str
    source_partition: int
    source_offset: int


class Histogram(TypedDict):
    """How the values of one feature are distributed."""

    name: str
    sum: float
    bins: list[int]
    counts: list[int]


class Count(TypedDict):
    """How many of some records have something."""

    name: str
    records: int


class TrafficSketched(TypedDict):
    """What some records of one partition, one after the other, were like."""

    use_case: str
    source_topic: str
    source_partition: int
    first_offset: int
    last_offset: int
    records: int
    hour_of_week: int
    start_ms: int
    end_ms: int
    model: str
    model_version: str
    histograms: list[Histogram]
    counts: list[Count]
    example: str


class AlertRaised(TypedDict):
    """Something that people must be told about an incident, as it is told to all of them."""

    alert_id: str
    incident_id: str
    use_case: str
    change: Literal[IncidentChange, "watchdog"]
    status: Literal["firing", "resolved"]
    severity: Severity
    owner: str
    contact: str
    runbook: str
    summary: str
    raised_at_ms: int
    body: str


class IncidentSignal(TypedDict):
    """One of the things that an incident consists of."""

    kind: AlertKind
    subject: str
    signal_id: str
    severity: Severity
    summary: str
    runbook: str
    raised_at_ms: int
    cleared_at_ms: int | None


class IncidentChanged(TypedDict):
    """An incident was opened, or something has become of it."""

    incident_id: str
    number: int
    change: IncidentChange
    by: str
    reason: str
    changed_at_ms: int
    is_told: bool
    use_case: str
    cause: str
    state: IncidentState
    severity: Severity
    owner: str
    opened_at_ms: int
    acknowledged_by: str
    escalations: int
    silenced_until_ms: int | None
    signals: list[IncidentSignal]


class IncidentCommanded(TypedDict):
    """Somebody said what is to become of an incident, or of all that belongs to a cause."""

    incident_id: str
    command: IncidentCommand
    by: str
    reason: str
    until_ms: int | None
    commanded_at_ms: int
    cause: str | None


class HeartbeatSent(TypedDict):
    """An instance of a service lives, or has left."""

    service: str
    instance: str
    state: Literal["running", "left"]
    started_at_ms: int
    sent_at_ms: int
    records: int
    dead_letters: int


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
    input: int


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


class ModelPublished(TypedDict):
    """A signed model was published; its arrays are in the topic of chunks."""

    name: str
    version: str
    digest: bytes
    manifest: bytes
    signature: bytes
    published_at_ms: int


class ModelChunkPublished(TypedDict):
    """One part of one array of a published model."""

    sha256: bytes
    part: int
    parts: int
    bytes: bytes


class ServingChanged(TypedDict):
    """Somebody, or some service, said which published model is to serve."""

    role: Literal["champion"]
    digest: bytes
    name: str
    version: str
    by: str
    reason: str
    changed_at_ms: int


class ModelAudited(TypedDict):
    """An instance of a service was told to serve a model, and did or refused."""

    service: str
    instance: str
    digest: bytes
    name: str
    version: str
    verdict: Literal["served", "refused"]
    reason: str
    serving_digest: bytes
    audited_at_ms: int
