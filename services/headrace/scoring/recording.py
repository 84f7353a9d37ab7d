"""From events and verdicts to records: the decision, and the audit record beside it."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from headrace.chassis.records import Received
from headrace.contracts.records import AuditRecorded, DecisionMade
from headrace.models.linear import FrozenLinear
from headrace.scoring.judging import Judged
from headrace.usecase.charter import Charter

SERVICE = "scoring"


class ModelIdentity(NamedTuple):
    """Which model decided."""

    name: str
    version: str
    digest: bytes


RULES: Final = ModelIdentity("rules", "", bytes(32))
"""It was none: the charter's rules."""


class Accepted(NamedTuple):
    """An event to decide."""

    event: Received
    audit: AuditRecorded
    late: bool
    """It came later than the charter's lateness."""


class Recorder:
    """Writes what is decided down.

    Parameters
    ----------
    charter, model
        By which it is decided.
    topic
        Where the events come from.
    """

    def __init__(self, charter: Charter, model: FrozenLinear | None, topic: str) -> None:
        self._use_case, self._stage = charter.name, charter.stage
        self._charter_digest, self._policy_version = charter.digest, charter.policy.version
        self._feature_set = charter.feature_set.digest
        self._fields = charter.events
        self._topic = topic
        self._model = (
            RULES if model is None else ModelIdentity(model.name, model.version, model.digest)
        )

    def audit(
        self, event: Received, digest: bytes, first_offset: int | None, now_ms: int
    ) -> AuditRecorded:
        """Return the audit record of an event, which is a duplicate where there is a first."""
        partition, offset, key, _, record, _, _ = event
        duplicate = first_offset is not None
        return {
            "kind": "duplicate" if duplicate else "decision",
            "use_case": self._use_case,
            "service": SERVICE,
            "event_id": record[self._fields.id],
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
            "policy_version": self._policy_version,
            "recorded_at_ms": now_ms,
        }

    def decisions(
        self, accepted: Sequence[Accepted], vectors: Sequence[list[float]], judged: Judged
    ) -> Iterator[DecisionMade]:
        """Yield the decision of each event; its audit record then names the same model."""
        for row, taken in enumerate(accepted):
            if row in judged.tried.fallbacks:
                taken.audit["model_digest"] = RULES.digest
            yield self._decision(row, taken, vectors[row], judged)

    def _decision(
        self, row: int, accepted: Accepted, vector: list[float], judged: Judged
    ) -> DecisionMade:
        event, audit, late = accepted
        partition, offset, key, _, record, _, trace = event
        fields, tried = self._fields, judged.tried
        said = judged.verdicts.get(row)
        rule_hits, reasons, reason_codes, missed = said or ([], [], [], False)
        fallback = tried.fallbacks.get(row, "")
        model, version, model_digest = RULES if fallback else self._model
        return {
            "decision_id": audit["decision_id"],
            "event_id": audit["event_id"],
            "use_case": self._use_case,
            "key": key,
            "source_topic": self._topic,
            "source_partition": partition,
            "source_offset": offset,
            "occurred_at_ms": record[fields.time],
            "decided_at_ms": audit["recorded_at_ms"],
            "amount_minor": record[fields.amount],
            "currency": record[fields.currency],
            "charter_digest": self._charter_digest,
            "feature_set": self._feature_set,
            "features": vector,
            "model": model,
            "model_version": version,
            "model_digest": model_digest,
            "arm": "champion",
            "arm_probability": 1.0,
            "score": judged.scores[row],
            "policy_version": self._policy_version,
            "action": judged.actions[row],
            "rule_hits": rule_hits,
            "reasons": reasons,
            "late": late,
            "reason_codes": reason_codes,
            "contributions": tried.contributions[row],
            "expected_cost_minor": judged.costs_minor[row],
            "stage": self._stage,
            "acted": self._stage != "shadow",
            "deadline_missed": missed,
            "fallback": fallback,
            "trace_id": trace.trace_id if trace is not None and trace.is_sampled else "",
        }
