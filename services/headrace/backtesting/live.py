"""Deciding again what a live run has decided, by the models and profiles that it has logged.

The very scorer of the service, a partition at a time and in the order of its offsets, from nothing
on: windows, duplicates and reviews come of the events. What no event tells is taken from the
decision: the moment, the model and the values of its profiles.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from headrace.backtesting.comparing import DECIDED, Comparison, Incomparable, differences
from headrace.backtesting.surveyed import Decision
from headrace.chassis.handling import handle
from headrace.chassis.records import Handled, Received
from headrace.chassis.stages import StageClock
from headrace.chassis.state import KeyedState, View
from headrace.models.frozen import FrozenModel
from headrace.scoring.domain import Scorer
from headrace.scoring.state import ScoringFormat, State
from headrace.usecase.charter import Charter
from headrace.usecase.declared import DAY_MS
from headrace.usecase.entities import EntityLists, entity_key
from headrace.usecase.feature_kinds import ProfileFeature
from headrace.usecase.history import HistoryFormat

BATCH: Final = 500
_NOTICED_MS: Final = 10_000
"""So long after a change of a list scoring may not have known of it."""
_LATE_MS: Final = 2**62
"""A clock by which no event is ahead of its time."""
_UNTRUSTED: Final = "model_untrusted"
_OF_POLICY: Final = frozenset(("action", "reasons", "reason_codes", "expected_cost_minor"))
_OF_LISTS: Final = _OF_POLICY | {"rule_hits"}
"""What lists and reviewers have a say in."""

Entries = Mapping[str, Mapping[str, Any]]
"""The latest ``EntityListed`` of each key."""
ModelOf = Callable[[bytes], FrozenModel | None]
"""Finds the model of a digest; None where it cannot be had."""


class Paired(NamedTuple):
    """An event with the decisions about it: one, where all is well and it is no duplicate."""

    event: Received | None
    """None where it is not there."""
    decisions: Sequence[Decision]


def paired(
    events: Iterable[Received],
    decisions: Iterable[Decision],
    strays: Mapping[int, Sequence[Decision]],
    last: int,
) -> Iterator[Paired]:
    """Yield the events of a partition up to the last that was decided, with their decisions.

    Parameters
    ----------
    events, decisions
        Both in the order of the events' offsets.
    strays
        More decisions, by the event's offset.
    last
        The offset of the last event that was decided.
    """
    left, waiting = dict(strays), iter(decisions)
    head = next(waiting, None)
    for event in events:
        if event.offset > last:
            break
        found: list[Decision] = []
        while head is not None and head["source_offset"] <= event.offset:
            if head["source_offset"] == event.offset:
                found.append(head)
            else:
                yield Paired(None, [head])
            head = next(waiting, None)
        yield Paired(event, [*found, *left.pop(event.offset, ())])
    if head is not None:
        yield Paired(None, [head, *waiting])
    for of_event in left.values():
        yield Paired(None, of_event)


class _By(NamedTuple):
    """By what a batch was decided."""

    charter: bytes
    model: bytes | None
    """Its digest; None where none could be verified."""
    at_ms: int


class AsDecided:
    """Decides one partition again.

    Parameters
    ----------
    charter, model_of, entries
        What it is decided by.
    topic, partitions
        Where the events come from, and how many partitions that has.
    comparison
        Is told what comes of it.
    has_all_decisions
        Whether no decision is known to be gone.
    """

    def __init__(
        self,
        charter: Charter,
        model_of: ModelOf,
        entries: Entries,
        topic: str,
        partitions: int,
        comparison: Comparison,
        *,
        has_all_decisions: bool = True,
    ) -> None:
        self._charter = charter
        self._model_of = model_of
        self._entries = entries
        self._topic, self._partitions = topic, partitions
        self._comparison = comparison
        self._has_decided = has_all_decisions
        """Whether an event without a decision was not decided."""
        self._state = KeyedState(
            ScoringFormat(HistoryFormat(charter.retention_ms, charter.feature_set.layout))
        )
        self._profiled = [
            place
            for place, feature in enumerate(charter.features)
            if isinstance(feature, ProfileFeature)
        ]
        self._listed = {
            (condition.listed_in, str(condition.field))
            for rule in charter.rules
            for condition in rule.when
            if condition.listed_in is not None
        }
        self._by: _By | None = None
        self._model: FrozenModel | None = None
        self._scorer = self._scorer_of(None)
        self._logged: dict[tuple[str, str], Decision] = {}
        """Of the batch, by key and id."""
        self._unsure_days = set[int]()
        """Days of which it is not known how many reviews the live run had made."""

    def run(self, partition: Iterable[Paired], told: Callable[[int], None]) -> None:
        """Decide it, and compare.

        Parameters
        ----------
        told
            Is told how many events were decided, after each batch.
        """
        batch: list[Paired] = []
        by: _By | None = None
        for each in partition:
            its = self._by_of(each, by)
            if batch and ((by is not None and its != by) or len(batch) >= BATCH):
                self._take(batch, by)
                told(len(batch))
                batch = []
            by = its
            batch.append(each)
        if batch:
            self._take(batch, by)
            told(len(batch))

    def _by_of(self, each: Paired, before: _By | None) -> _By | None:
        """Return by what an event was decided; what was not goes with the one before."""
        if each.event is None or not each.decisions:
            return before
        decision = each.decisions[0]
        digest: bytes | None = decision["model_digest"]
        if decision["fallback"] == _UNTRUSTED:
            digest = None
        elif decision["fallback"]:
            digest = before.model if before else None
        return _By(decision["charter_digest"], digest, decision["decided_at_ms"])

    def _take(self, batch: Sequence[Paired], by: _By | None) -> None:
        """Decide a batch again, and compare its decisions."""
        if by is not None and (self._by is None or by.model != self._by.model):
            self._model = None if by.model is None else self._model_of(by.model)
            self._scorer = self._scorer_of(self._model)
        self._by = by or self._by
        self._logged = {
            (each.event.key, each.decisions[0]["event_id"]): each.decisions[0]
            for each in batch
            if each.event is not None and each.decisions
        }
        again = self._decide([each.event for each in batch if each.event is not None])
        for each in batch:
            self._compare(each, again.get(each.event.offset) if each.event else None)

    def _decide(self, events: Sequence[Received]) -> dict[int, Decision]:
        """Return the decisions by offset; as in the service, what fails alone is left out."""
        decided: dict[int, Decision] = {}

        def handler(received: Sequence[Received], view: View[State], stages: StageClock) -> Handled:
            found = self._scorer.decide(received, view, stages)
            for row, fate in enumerate(found.accepted):
                decided[fate.event.offset] = found.decisions.row(row)
            return Handled([], found.rejected, Counter())

        if events:
            _, overlay = handle(handler, events, self._state.overlay, StageClock())
            overlay.merge({events[0].partition})
        return decided

    def _compare(self, each: Paired, again: Decision | None) -> None:
        if each.decisions:
            self._has_decided = True  # from here on, all of them are kept
        elif again is not None:
            self._compare_undecided(again)
        for live in each.decisions:
            why = self._why_not(live, each.event)
            found = {} if why else self._differences(live, again)
            if found:
                why = self._excuse(live, each.event, found)
            if why is None:
                self._comparison.take(live["event_id"], found)
                continue
            self._comparison.incomparable[why] += 1
            if (live["action"] == "review") != (again is not None and again["action"] == "review"):
                self._unsure_days.add(live["occurred_at_ms"] // DAY_MS)

    def _compare_undecided(self, again: Decision) -> None:
        """Note an event that was not decided, and would be now."""
        if self._by is not None and self._by.charter != self._charter.digest:
            self._comparison.incomparable["other_charter"] += 1
        elif not self._has_decided:
            self._comparison.incomparable["decision_gone"] += 1
        else:
            self._comparison.take(again["event_id"], {DECIDED: (False, True)})

    def _why_not(self, live: Decision, event: Received | None) -> Incomparable | None:
        """Return why a decision cannot be compared, if so."""
        if event is None:
            return "no_event"
        if live["charter_digest"] != self._charter.digest:
            return "other_charter"
        if live["fallback"] == _UNTRUSTED:
            return None
        if live["fallback"]:
            return "model_failed"
        return "no_model" if self._model_of(live["model_digest"]) is None else None

    def _differences(self, live: Decision, again: Decision | None) -> Mapping[str, tuple[Any, Any]]:
        return {DECIDED: (True, False)} if again is None else differences(live, again)

    def _excuse(
        self, live: Decision, event: Received | None, found: Mapping[str, object]
    ) -> Incomparable | None:
        """Return what else than the scorer may have made a difference, if anything."""
        if event is not None and found.keys() <= _OF_LISTS and self._was_relisted(live, event):
            return "lists_changed"
        day = live["occurred_at_ms"] // DAY_MS
        return (
            "reviews_unknown" if found.keys() <= _OF_POLICY and day in self._unsure_days else None
        )

    def _was_relisted(self, live: Decision, event: Received) -> bool:
        """Tell whether an entity of an event came on a list, or off it, about then or since."""
        values = [(name, event.record[field]) for name, field in self._listed]
        entries = [
            self._entries.get(entity_key(name, value))
            for name, value in values
            if value is not None
        ]
        since_ms = live["decided_at_ms"] - _NOTICED_MS
        return any(each is not None and each["changed_at_ms"] >= since_ms for each in entries)

    def _scorer_of(self, model: FrozenModel | None) -> Scorer:
        return Scorer(
            self._charter,
            model,
            EntityLists(self._entries),
            lambda: _LATE_MS if self._by is None else self._by.at_ms,
            self._topic,
            self._partitions,
            self._look_up if self._charter.profiles else None,
        )

    def _look_up(self, record: Mapping[str, Any]) -> list[float]:
        """Return what the decision says of an event's profiles; 0 where nothing is known of it."""
        fields = self._charter.events
        logged = self._logged.get((record[fields.key], record[fields.id]))
        if logged is None or logged["feature_set"] != self._charter.feature_set.digest:
            return [0.0] * len(self._profiled)
        return [logged["features"][place] for place in self._profiled]
