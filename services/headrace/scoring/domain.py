"""Deciding a batch of events: checks, duplicates, features, model, policy; no Kafka, no clock.

An event with a fault is rejected. One that was seen before moves no window: its audit record
points to the first. Every other one moves its key's windows and is decided.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from headrace.chassis.records import Received, Rejected
from headrace.chassis.stages import StageClock
from headrace.chassis.state import View
from headrace.contracts.reasons import DeadLetterReason
from headrace.models.frozen import FrozenModel
from headrace.scoring.judging import Judge, Judged
from headrace.scoring.recording import Fate, Recorder, Records
from headrace.scoring.state import State, histories_of
from headrace.usecase.charter import Charter
from headrace.usecase.entities import EntityLists
from headrace.usecase.history import PAYLOAD_BYTES, id_digest

LookUp = Callable[[Mapping[str, Any]], list[float]]
Fault = tuple[DeadLetterReason, str]


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of a batch."""

    fates: list[Fate]
    """In the order of the input."""
    accepted: list[Fate]
    """Those that were decided."""
    judged: Judged
    decisions: Records
    """Of the accepted."""
    rejected: list[Rejected]
    now_ms: int
    """When it was decided."""


@dataclass(slots=True)
class _Batch:
    """A batch on its way."""

    now_ms: int
    fates: list[Fate] = field(default_factory=list)
    measured: list[float] = field(default_factory=list)
    """The windows of those that are to be decided, as ``FeatureSet.matrix`` takes them."""
    profiled: list[float] = field(default_factory=list)
    """What is known of their profiles, likewise."""
    rejected: list[Rejected] = field(default_factory=list)


class Scorer:
    """Decides events as a charter says.

    Parameters
    ----------
    charter, model
        What is declared, and the model that serves it; None where none could be verified.
    lists
        The lists that the charter's rules look at.
    clock
        Milliseconds since the epoch.
    topic, partitions
        Where the events come from, and how many partitions that has.
    look_up
        Measures an event's profiles, in the order of the events; None where none are declared.
    """

    def __init__(
        self,
        charter: Charter,
        model: FrozenModel | None,
        lists: EntityLists,
        clock: Callable[[], int],
        topic: str,
        partitions: int,
        look_up: LookUp | None = None,
    ) -> None:
        self._look_up = look_up
        self._events = charter.events
        self._checks = charter.checks
        self._features = charter.feature_set
        self._judge = Judge(charter, model, lists, partitions)
        self._record = Recorder(charter, model, topic)
        self._clock = clock

    def decide(
        self, received: Sequence[Received], view: View[State], stages: StageClock
    ) -> Decided:
        """Decide a batch; events of one key see each other in their order."""
        stages.enter("features")
        batch = _Batch(self._clock())
        self._take_in(received, view, batch)
        accepted = [fate for fate in batch.fates if fate.first_offset is None]
        events = [fate.event for fate in accepted]
        records = [event.record for event in events]
        matrix = self._features.matrix(records, batch.measured, batch.profiled)
        judged = self._judge.judge(events, matrix, batch.now_ms, view, stages)
        stages.enter("encode")
        decisions = self._record.decisions(accepted, matrix, judged, batch.now_ms)
        return Decided(batch.fates, accepted, judged, decisions, batch.rejected, batch.now_ms)

    def audits(self, decided: Decided, decision_digests: Sequence[bytes]) -> Records:
        """Return the audit record of each event; the digests are those of the decisions."""
        return self._record.audits(
            decided.fates, decided.judged, decided.decisions, decision_digests, decided.now_ms
        )

    def _take_in(self, received: Sequence[Received], view: View[State], batch: _Batch) -> None:
        """Sort the events out: rejected, known already, or taken into their keys' windows.

        One loop without a call that could be saved: nothing else is done so often.
        """
        declared, features, now_ms = self._events, self._features, batch.now_ms
        key_field, id_field, time_field = declared.key, declared.id, declared.time
        passes, rejected, fates = self._checks.passes, batch.rejected, batch.fates
        look_up = self._look_up
        history_of, change, measure = histories_of(view), view.change, features.measure
        for event in received:
            partition, offset, key, value, record, _, _ = event
            # A key that begins with a zero is one of the state's own.
            if key != record[key_field] or key[:1] == "\0" or not passes(record, now_ms):
                rejected.append(Rejected(event, *self._fault(event, now_ms)))
                continue
            event_id, digest = id_digest(record[id_field]), sha256(value).digest()
            time_ms, payload = record[time_field], digest[:PAYLOAD_BYTES]
            history = history_of(partition, key)
            known = history.find(event_id, time_ms, declared.duplicate_span_ms)
            if known is None:
                late = history.is_behind(time_ms, declared.lateness_ms)
                amount, tokens = record[declared.amount], features.tokens(record)
                index, slot, body = history.add(time_ms, amount, offset, event_id, payload, tokens)
                change(partition, key, slot, offset, body)
                batch.measured += measure(history, index)
                if look_up is not None:
                    batch.profiled += look_up(record)
                fates.append(Fate(event, digest, None, late))
            elif known.payload == payload:
                fates.append(Fate(event, digest, known.offset, late=False))
            else:
                again = self._shown(id_field, record[id_field])
                detail = f"{again} is at offset {known.offset} with another payload"
                rejected.append(Rejected(event, "id_conflict", detail))

    def _fault(self, event: Received, now_ms: int) -> Fault:
        """Return what is wrong with an event that is not in order."""
        key_field = self._events.key
        if event.key != event.record[key_field]:
            shown = self._shown(key_field, f"{event.key!r:.140}")
            return "key_mismatch", f"the record's key {shown} is not its {key_field}"
        if event.key.startswith("\0"):  # such keys are those of the state's own records
            return "invalid_value", f"{key_field} begins with a zero"
        return self._checks.fault(event.record, now_ms)

    def _shown(self, field: str, value: str) -> str:
        """Return a field's value as a message about a fault may say it."""
        return f"({field} is personal)" if field in self._events.personal else value
