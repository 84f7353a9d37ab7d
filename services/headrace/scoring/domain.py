"""Deciding a batch of events: checks, duplicates, features, model, policy; no Kafka, no clock.

An event with a fault is rejected. One that was seen before moves no window: its audit record
points to the first. Every other one moves its key's windows and is decided.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from headrace.chassis.records import Received, Rejected
from headrace.chassis.stages import StageClock
from headrace.chassis.state import View
from headrace.contracts.reasons import DeadLetterReason
from headrace.contracts.records import AuditRecorded, DecisionMade
from headrace.models.logistic import FrozenLogistic
from headrace.usecase.charter import Charter
from headrace.usecase.policy import Action
from headrace.usecase.windows import PAYLOAD_BYTES, KeyHistory, id_digest

SERVICE = "scoring"
Fault = tuple[DeadLetterReason, str]


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of a batch."""

    recorded: list[tuple[DecisionMade | None, AuditRecorded]]
    """In the order of the input, a duplicate without a decision. The audit's ``decision_sha256``
    is for the one who encodes the decision to fill in."""
    rejected: list[Rejected]


@dataclass(slots=True)
class _Batch:
    """A batch on its way."""

    now_ms: int
    audits: list[AuditRecorded] = field(default_factory=list)
    accepted: list[tuple[Received, AuditRecorded, bool]] = field(default_factory=list)
    """The events to decide, and whether each came late."""
    measured: list[int] = field(default_factory=list)
    """Their windows, as ``FeatureSet.matrix`` takes them."""
    rejected: list[Rejected] = field(default_factory=list)


class Scorer:
    """Decides events as a charter says.

    Parameters
    ----------
    charter, model
        What is declared, and the model that serves it.
    clock
        Milliseconds since the epoch.
    topic
        Where the events come from.
    """

    def __init__(
        self, charter: Charter, model: FrozenLogistic, clock: Callable[[], int], topic: str
    ) -> None:
        self._use_case, self._charter_digest = charter.name, charter.digest
        self._events = charter.events
        self._checks = charter.checks
        self._features = charter.feature_set
        self._policy = charter.policy
        self._model = model
        self._clock = clock
        self._topic = topic

    def decide(
        self, received: Sequence[Received], view: View[KeyHistory], stages: StageClock
    ) -> Decided:
        """Decide a batch; events of one key see each other in their order."""
        stages.enter("features")
        batch = _Batch(self._clock())
        for event in received:
            self._take_in(event, view, batch)
        records = [event.record for event, _, _ in batch.accepted]
        matrix = self._features.matrix(records, batch.measured)
        stages.enter("model")
        scores = self._model.predict_proba(matrix)
        stages.enter("policy")
        actions = self._policy.actions(scores)
        rows = zip(batch.accepted, matrix.tolist(), scores.tolist(), actions, strict=True)
        decisions = (self._decision(*taken, *row) for taken, *row in rows)
        recorded = [
            (next(decisions) if audit["kind"] == "decision" else None, audit)
            for audit in batch.audits
        ]
        return Decided(recorded, batch.rejected)

    def _take_in(self, event: Received, view: View[KeyHistory], batch: _Batch) -> None:
        """Sort out one event: rejected, known already, or taken into its key's windows."""
        partition, offset, key, value, record = event
        declared = self._events
        fault = self._fault(event, batch.now_ms)
        if fault is not None:
            batch.rejected.append(Rejected(event, *fault))
            return
        time_ms, event_id = record[declared.time], id_digest(record[declared.id])
        digest = sha256(value).digest()
        payload = digest[:PAYLOAD_BYTES]
        history = view.get(partition, key)
        known = history.find(event_id, time_ms, declared.duplicate_span_ms)
        if known is None:
            latest_ms = history.latest_ms
            late = latest_ms is not None and time_ms < latest_ms - declared.lateness_ms
            index, slot, body = history.add(
                time_ms, record[declared.amount], offset, event_id, payload
            )
            view.change(partition, key, slot, offset, body)
            batch.measured += history.windows(index, self._features.windows_ms)
            audit = self._audit(event, digest, None, batch.now_ms)
            batch.accepted.append((event, audit, late))
            batch.audits.append(audit)
        elif known.payload == payload:
            batch.audits.append(self._audit(event, digest, known.offset, batch.now_ms))
        else:
            detail = f"{record[declared.id]} is at offset {known.offset} with another payload"
            batch.rejected.append(Rejected(event, "id_conflict", detail))

    def _fault(self, event: Received, now_ms: int) -> Fault | None:
        key_field = self._events.key
        if event.key != event.record[key_field]:
            return "key_mismatch", f"the record's key {event.key!r:.140} is not its {key_field}"
        return self._checks(event.record, now_ms)

    def _audit(
        self, event: Received, digest: bytes, first_offset: int | None, now_ms: int
    ) -> AuditRecorded:
        partition, offset, key, _, record = event
        duplicate = first_offset is not None
        return {
            "kind": "duplicate" if duplicate else "decision",
            "use_case": self._use_case,
            "service": SERVICE,
            "event_id": record[self._events.id],
            "key": key,
            "source_topic": self._topic,
            "source_partition": partition,
            "source_offset": offset,
            "input_sha256": digest,
            "decision_id": f"{self._topic}:{partition}:{first_offset if duplicate else offset}",
            "decision_sha256": None,
            "first_offset": first_offset,
            "model_digest": self._model.digest,
            "charter_digest": self._charter_digest,
            "policy_version": self._policy.version,
            "recorded_at_ms": now_ms,
        }

    def _decision(
        self,
        event: Received,
        audit: AuditRecorded,
        late: bool,
        features: list[float],
        score: float,
        action: Action,
    ) -> DecisionMade:
        partition, offset, key, _, record = event
        events, model = self._events, self._model
        return {
            "decision_id": audit["decision_id"],
            "event_id": audit["event_id"],
            "use_case": self._use_case,
            "key": key,
            "source_topic": self._topic,
            "source_partition": partition,
            "source_offset": offset,
            "occurred_at_ms": record[events.time],
            "decided_at_ms": audit["recorded_at_ms"],
            "amount_minor": record[events.amount],
            "currency": record[events.currency],
            "charter_digest": self._charter_digest,
            "feature_set": self._features.digest,
            "features": features,
            "model": model.name,
            "model_version": model.version,
            "model_digest": model.digest,
            "arm": "champion",
            "arm_probability": 1.0,
            "score": score,
            "policy_version": self._policy.version,
            "action": action,
            "rule_hits": [],
            "reasons": self._policy.reasons(score, action),
            "late": late,
        }
