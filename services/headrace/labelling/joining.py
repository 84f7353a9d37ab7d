"""Joining decisions with labels, batch by batch; no Kafka, no clock."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from headrace.chassis.metrics import CountName
from headrace.chassis.records import Received, Rejected
from headrace.chassis.state import View
from headrace.chassis.tracing import Trace
from headrace.contracts.reasons import DeadLetterReason
from headrace.contracts.records import DeadLettered, OutcomeKnown, ProfileObserved
from headrace.labelling.domain import Decision, Label, Labelling, Refused, Verdict
from headrace.labelling.recording import given_up, observed, outcome
from headrace.labelling.state import (
    DECISION,
    KNOWN,
    TIME_KEY,
    Kept,
    State,
    Waiting,
    key_of,
    time_body,
    waiting_of,
    watermarks_of,
)
from headrace.labelling.timers import Timers
from headrace.labelling.watermarks import Watermarks
from headrace.usecase.charter import Charter
from headrace.usecase.policy import BY_SEVERITY

HEARTBEAT: Final = "heartbeat"
_MOST_BYTES: Final = 16_384
"""Of a label: as long as there is no decision, the state holds it whole."""
Decode = Callable[[bytes | None], Mapping[str, Any]]


@dataclass(slots=True)
class Joined:
    """What came of a batch."""

    outcomes: list[OutcomeKnown] = field(default_factory=list)
    traces: dict[int, Trace] = field(default_factory=dict)
    """By outcome, the trace of the record that caused it, if any."""
    observations: list[ProfileObserved] = field(default_factory=list)
    """What outcomes tell of those whom their events count for."""
    rejected: list[Rejected] = field(default_factory=list)
    given_up: list[DeadLettered] = field(default_factory=list)
    """Labels that were read before."""
    counts: Counter[CountName] = field(default_factory=Counter)


def _decision_fault(each: Received) -> tuple[DeadLetterReason, str] | None:
    """Return what is wrong with a decision, if anything."""
    if each.record["action"] not in BY_SEVERITY:
        return "invalid_value", f"there is no action {each.record['action']!r:.40}"
    return _name_fault(each)


def _name_fault(each: Received) -> tuple[DeadLetterReason, str] | None:
    """Return what is wrong with a record's key or its event's id, if anything."""
    key, event_id = each.record["key"], each.record["event_id"]
    if each.key != key:
        return "key_mismatch", "the record's key is not the one in it"
    if not event_id or "\0" in key or "\0" in event_id:
        return "invalid_value", "a key or an id holds a zero, or there is no id"
    return None


def label_fault(
    each: Received, sources: Collection[str], ahead_ms: int
) -> tuple[DeadLetterReason, str] | None:
    """Return what is wrong with a label or a heartbeat by itself, if anything.

    Parameters
    ----------
    sources
        Those of the charter.
    ahead_ms
        Nobody can have observed anything later than that.
    """
    record, source = each.record, each.record["source"]
    if len(each.value) > _MOST_BYTES:
        return "too_large", f"a label has at most {_MOST_BYTES} bytes"
    if record["kind"] not in ("label", HEARTBEAT):
        return "invalid_value", f"there is no kind {record['kind']!r:.40} of labels"
    if source not in sources:
        return "unknown_source", f"the charter has no source {source!r:.40}"
    if record["observed_at_ms"] > ahead_ms:
        return "future", "it was observed further ahead than the charter allows"
    return None if record["kind"] == HEARTBEAT else _name_fault(each)


class Joiner:
    """Joins the decisions of a use case with their labels.

    Parameters
    ----------
    charter
        Who says what events were, and until when.
    timers
        Of the events that wait.
    decode
        Decodes a decision's record.
    labels
        The topic of the labels.
    clock
        Milliseconds since the epoch.
    """

    def __init__(
        self,
        charter: Charter,
        timers: Timers,
        decode: Decode,
        labels: str,
        clock: Callable[[], int],
    ) -> None:
        self._labelling = Labelling(charter.labels, charter.events.lateness_ms)
        self._sources = charter.labels.sources
        self._awaited = [name for name, source in self._sources.items() if not source.corrects]
        self._lateness_ms = charter.events.lateness_ms
        self._skew_ms = charter.events.future_skew_ms
        self._timers = timers
        self._decode = decode
        self._topic = labels
        self._clock = clock

    def decide(self, received: Sequence[Received], view: View[State]) -> Joined:
        """Take in decisions."""
        joined, now_ms = Joined(), self._clock()
        moved: dict[int, Received] = {}
        for each in received:
            if fault := _decision_fault(each):
                joined.rejected.append(Rejected(each, *fault))
                continue
            self._take_decision(each, view, joined)
            at_ms = each.record["occurred_at_ms"]
            times = watermarks_of(view, each.partition)
            if at_ms <= now_ms + self._skew_ms and times.decided(at_ms):
                moved[each.partition] = each
        self._move(moved, view, joined)
        return joined

    def hear(self, received: Sequence[Received], view: View[State]) -> Joined:
        """Take in labels and heartbeats."""
        joined, now_ms = Joined(), self._clock()
        moved: dict[int, Received] = {}
        for each in received:
            record = each.record
            fault = label_fault(each, self._sources, now_ms + self._skew_ms)
            if fault is None and record["kind"] != HEARTBEAT:
                fault = self._take_label(each, view, joined)
            if fault is not None:
                joined.rejected.append(Rejected(each, *fault))
                continue
            times = watermarks_of(view, each.partition)
            if times.told(record["source"], record["observed_at_ms"]):
                moved[each.partition] = each
        self._move(moved, view, joined)
        return joined

    def _take_decision(self, each: Received, view: View[State], joined: Joined) -> None:
        record, partition = each.record, each.partition
        key = key_of(each.key, record["event_id"])
        waiting = waiting_of(view)(partition, key)
        case = waiting.case
        if case.decided is not None:
            joined.counts["duplicates"] += 1
            return
        waited = list(case.labels)
        # An event that comes very late is not known sooner for that.
        since_ms = watermarks_of(view, partition).decisions_ms - self._lateness_ms
        at_ms = max(record["occurred_at_ms"], since_ms)
        decided = Decision(record["action"], record["acted"], at_ms)
        verdict = self._labelling.decide(case, decided)
        waiting.decision = each.value
        for source in waited:
            if source not in case.labels:
                is_known = source in self._sources
                detail = f"{source} cannot speak of what was to {decided.action}"
                reason: DeadLetterReason = "cannot_speak" if is_known else "unknown_source"
                self._give_up(waiting, source, partition, each.key, reason, detail, joined)
        waiting.kept.clear()
        view.change(partition, key, DECISION, each.offset, waiting.decision_body())
        if verdict is not None:
            self._tell(waiting, verdict, None, each.trace, joined)
        if waited:
            view.change(partition, key, KNOWN, each.offset, waiting.known_body())
        self._timers.set(partition, key, waiting)

    def _take_label(
        self, each: Received, view: View[State], joined: Joined
    ) -> tuple[DeadLetterReason, str] | None:
        """Take in a label; return why it does not count, if so."""
        record, partition = each.record, each.partition
        key = key_of(each.key, record["event_id"])
        waiting = waiting_of(view)(partition, key)
        case, source = waiting.case, record["source"]
        before, told = case.labels.get(source), case.told
        label = Label(source, record["value"], record["observed_at_ms"], record["revision"])
        try:
            verdict = self._labelling.hear(case, label)
        except Refused as refused:
            return refused.reason, str(refused)
        if case.labels.get(source) is before:
            joined.counts["duplicates"] += 1
            return None
        if case.decided is None:
            waiting.kept[source] = Kept(each.offset, each.timestamp_ms, each.value)
            self._timers.set(partition, key, waiting)
        if verdict is not None:
            self._tell(waiting, verdict, None if told is None else told.value, each.trace, joined)
        view.change(partition, key, KNOWN, each.offset, waiting.known_body())
        return None

    def _move(self, moved: Mapping[int, Received], view: View[State], joined: Joined) -> None:
        """Let time move on in partitions, by their latest record."""
        for partition, latest in moved.items():
            times = watermarks_of(view, partition)
            view.change(partition, TIME_KEY, 0, latest.offset, time_body(times))
            labels_ms = times.labels_ms(self._awaited)
            for key in self._timers.due(partition, labels_ms, times.decisions_ms):
                self._look(key, latest, view, times, joined)

    def _look(
        self, key: str, latest: Received, view: View[State], times: Watermarks, joined: Joined
    ) -> None:
        """Look at an event that is due, or was to be due before something else happened to it."""
        partition, offset = latest.partition, latest.offset
        waiting = waiting_of(view)(partition, key)
        case = waiting.case
        labels_ms = times.labels_ms(self._awaited)
        if case.decided is None:
            self._look_at_orphans(key, latest, waiting, view, times.decisions_ms, joined)
        elif (verdict := self._labelling.mature(case, labels_ms)) is not None:
            self._tell(waiting, verdict, None, None, joined)
            view.change(partition, key, KNOWN, offset, waiting.known_body())
            self._timers.set(partition, key, waiting)
        elif self._timers.ends_ms(case.decided.at_ms) <= labels_ms:
            view.forget(partition, key, (DECISION, KNOWN), offset)
        else:
            self._timers.set(partition, key, waiting)

    def _look_at_orphans(
        self,
        key: str,
        latest: Received,
        waiting: Waiting,
        view: View[State],
        decisions_ms: int,
        joined: Joined,
    ) -> None:
        """Give labels up whose decision is not to be expected any more."""
        labels = list(waiting.case.labels.values())
        overdue = [
            label.source
            for label in labels
            if self._timers.orphaned_ms(label.observed_at_ms) <= decisions_ms
        ]
        owner = key.rpartition("\0")[0]
        for source in overdue:
            detail = "no decision of its event has come, or it is too long ago"
            self._give_up(waiting, source, latest.partition, owner, "orphan", detail, joined)
            del waiting.case.labels[source]
        if waiting.case.labels:
            body = waiting.known_body()
            view.change(latest.partition, key, KNOWN, latest.offset, body)
        elif labels:
            view.forget(latest.partition, key, (DECISION, KNOWN), latest.offset)

    def _give_up(
        self,
        waiting: Waiting,
        source: str,
        partition: int,
        key: str,
        reason: DeadLetterReason,
        detail: str,
        joined: Joined,
    ) -> None:
        kept = waiting.kept.pop(source)
        letter = given_up(kept, key, self._topic, partition, reason, detail, self._clock())
        joined.given_up.append(letter)

    def _tell(
        self,
        waiting: Waiting,
        verdict: Verdict,
        replaces: bool | None,
        trace: Trace | None,
        joined: Joined,
    ) -> None:
        waiting.outcomes += 1
        if trace is not None:
            joined.traces[len(joined.outcomes)] = trace
        decision = self._decode(waiting.decision)
        joined.outcomes.append(outcome(decision, verdict, waiting.outcomes, replaces))
        joined.observations += observed(decision, verdict, replaces)
