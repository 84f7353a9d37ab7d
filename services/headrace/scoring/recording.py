"""From events and verdicts to records: the decisions, and the audit records beside them.

As columns: what all records of a batch share stands beside them once.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from headrace.chassis.records import Received
from headrace.contracts.batch_encoding import Column, Doubles
from headrace.models.frozen import FrozenModel
from headrace.scoring.intake import Fate
from headrace.scoring.judging import Judged
from headrace.usecase.charter import Charter
from headrace.usecase.profiles import whose

SERVICE = "scoring"


class ModelIdentity(NamedTuple):
    """Which model decided."""

    name: str
    version: str
    digest: bytes


RULES: Final = ModelIdentity("rules", "", bytes(32))
"""It was none: the charter's rules."""
_WHOSE: Final = ("event_id", "key", "source_partition", "source_offset")


class Records(NamedTuple):
    """Records of one kind, as ``Encoder.batch`` takes them."""

    same: dict[str, Any]
    columns: dict[str, Column]

    def row(self, row: int) -> dict[str, Any]:
        """Return one of them."""
        return {**self.same, **{name: column[row] for name, column in self.columns.items()}}

    def rows(self) -> list[dict[str, Any]]:
        """Return them one by one."""
        return [self.row(row) for row in range(len(self.columns["key"]))]


class Recorder:
    """Writes what is decided down.

    Parameters
    ----------
    charter, model
        By which it is decided.
    topic
        Where the events come from.
    """

    def __init__(self, charter: Charter, model: FrozenModel | None, topic: str) -> None:
        self._fields = charter.events
        self._topic = topic
        self._model = (
            RULES if model is None else ModelIdentity(model.name, model.version, model.digest)
        )
        shared = {
            "use_case": charter.name,
            "source_topic": topic,
            "charter_digest": charter.digest,
            "policy_version": charter.policy.version,
        }
        self._audits = {**shared, "service": SERVICE}
        self._decisions = {
            **shared,
            "feature_set": charter.feature_set.digest,
            "arm": "champion",
            "arm_probability": 1.0,
            "stage": charter.stage,
            "acted": charter.stage != "shadow",
            **({} if charter.profiles else {"profile_keys": []}),
        }
        self._profiles = charter.profiles

    def decisions(
        self,
        accepted: Sequence[Fate],
        matrix: NDArray[np.float64],
        judged: Judged,
        now_ms: int,
    ) -> Records:
        """Return the decisions of n events, whose vectors are ``matrix`` (n, k)."""
        fields, n = self._fields, len(accepted)
        events = [fate.event for fate in accepted]
        records = [event.record for event in events]
        known = Records(
            {**self._decisions, "decided_at_ms": now_ms},
            {
                **_whose(events, fields.id),
                "decision_id": [
                    f"{self._topic}:{event.partition}:{event.offset}" for event in events
                ],
                "occurred_at_ms": [record[fields.time] for record in records],
                "amount_minor": [record[fields.amount] for record in records],
                "currency": [record[fields.currency] for record in records],
                "features": _doubles(matrix),
                "score": _doubles(judged.tried.scores),
                "action": judged.actions,
                "expected_cost_minor": judged.costs_minor,
            },
        )
        traced = ((row, event.trace) for row, event in enumerate(events) if event.trace)
        _vary(known, n, "trace_id", "", {row: t.trace_id for row, t in traced if t.is_sampled})
        _vary(known, n, "late", False, {row: True for row in range(n) if accepted[row].late})
        if self._profiles:
            known.columns["profile_keys"] = [self._owners(record) for record in records]
        self._add_verdicts(known, n, judged)
        self._add_models(known, n, judged)
        return known

    def _owners(self, record: Mapping[str, Any]) -> list[str]:
        """Return whom an event counts for in the charter's profiles."""
        owners = [profile.owner(name, record) for name, profile in self._profiles.items()]
        return [owner for owner in owners if owner is not None]

    def audits(
        self,
        fates: Sequence[Fate],
        judged: Judged,
        decisions: Records,
        decision_digests: Sequence[bytes],
        now_ms: int,
    ) -> Records:
        """Return the audit record of each event.

        Parameters
        ----------
        decisions
            Of those that are no duplicates.
        decision_digests
            SHA-256 of the decision of each that is not a duplicate, as it was written.
        """
        firsts = [fate.first_offset for fate in fates]
        decided = [row for row, first in enumerate(firsts) if first is None]
        known = Records(
            {**self._audits, "recorded_at_ms": now_ms},
            {
                **self._whose_audits(fates, decided, decisions),
                "input_sha256": [fate.digest for fate in fates],
            },
        )
        again = {row: first for row, first in enumerate(firsts) if first is not None}
        digests = dict(zip(decided, decision_digests, strict=True))
        by_rules = {decided[row]: RULES.digest for row in judged.tried.fallbacks}
        _vary(known, len(fates), "kind", "decision", dict.fromkeys(again, "duplicate"))
        _vary(known, len(fates), "first_offset", None, again)
        _vary(known, len(fates), "decision_sha256", None, digests)
        _vary(known, len(fates), "model_digest", self._model.digest, by_rules)
        return known

    def _whose_audits(
        self, fates: Sequence[Fate], decided: Sequence[int], decisions: Records
    ) -> dict[str, Column]:
        """Return what says of which event and decision each record is."""
        if len(decided) == len(fates):
            return {name: decisions.columns[name] for name in (*_WHOSE, "decision_id")}
        events = [fate.event for fate in fates]
        return {
            **_whose(events, self._fields.id),
            "decision_id": [
                f"{self._topic}:{event.partition}:"
                f"{event.offset if fate.first_offset is None else fate.first_offset}"
                for fate, event in zip(fates, events, strict=True)
            ],
        }

    def _add_verdicts(self, known: Records, n: int, judged: Judged) -> None:
        said = judged.verdicts
        _vary(known, n, "rule_hits", [], {row: each.rule_hits for row, each in said.items()})
        _vary(known, n, "reasons", [], {row: each.reasons for row, each in said.items()})
        _vary(known, n, "reason_codes", [], {row: each.reason_codes for row, each in said.items()})
        missed = {row: True for row, each in said.items() if each.missed}
        _vary(known, n, "deadline_missed", False, missed)

    def _add_models(self, known: Records, n: int, judged: Judged) -> None:
        fallbacks, model = judged.tried.fallbacks, self._model
        _vary(known, n, "fallback", "", fallbacks)
        _vary(known, n, "model", model.name, dict.fromkeys(fallbacks, RULES.name))
        _vary(known, n, "model_version", model.version, dict.fromkeys(fallbacks, RULES.version))
        _vary(known, n, "model_digest", model.digest, dict.fromkeys(fallbacks, RULES.digest))
        added = judged.tried.contributions
        known.columns["contributions"] = (
            [judged.tried.contributions_of(row) for row in range(n)]
            if fallbacks
            else _doubles(added)
        )


class Observations(NamedTuple):
    """What decided events tell of those whom they count for."""

    owners: list[str]
    """Of each, its record's key."""
    records: Records


def observations(decisions: Records) -> Observations:
    """Return an observation for each profile that each decided event counts for."""
    columns = decisions.columns
    times = zip(columns["profile_keys"], columns["occurred_at_ms"], strict=True)
    told = [(owner, time_ms) for owners, time_ms in times for owner in owners]
    owners = [owner for owner, _ in told]
    split = [whose(owner) for owner in owners]
    return Observations(
        owners,
        Records(
            {"told": "decided"},
            {
                "profile": [profile for profile, _ in split],
                "key": [key for _, key in split],
                "occurred_at_ms": [time_ms for _, time_ms in told],
            },
        ),
    )


def _whose(events: Sequence[Received], id_field: str) -> dict[str, Column]:
    """Return what says of which event a record is; decision and audit record say it alike."""
    return {
        "event_id": [event.record[id_field] for event in events],
        "key": [event.key for event in events],
        "source_partition": [event.partition for event in events],
        "source_offset": [event.offset for event in events],
    }


def _vary(known: Records, n: int, name: str, usual: Any, others: Mapping[int, Any]) -> None:
    """Add a field that is as usual but for some rows."""
    if not others:
        known.same[name] = usual
        return
    column = [usual] * n
    for row, value in others.items():
        column[row] = value
    known.columns[name] = column


def _doubles(values: NDArray[np.float64]) -> Doubles:
    """Pack a column (n,), or a row for each of n records (n, k)."""
    each = None if values.ndim == 1 else values.shape[1]
    return Doubles(np.ascontiguousarray(values, "<f8").tobytes(), each)
