"""From vectors to verdicts: score, rules, money, reviewers, deadline and reasons."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from headrace.chassis.records import Received
from headrace.chassis.stages import StageClock
from headrace.chassis.state import View
from headrace.models.frozen import FrozenModel
from headrace.scoring.fallback import GuardedModel, Tried
from headrace.scoring.reviewers import Reviewers
from headrace.scoring.state import State
from headrace.usecase.charter import Charter
from headrace.usecase.entities import EntityLists
from headrace.usecase.policy import BY_SEVERITY, Action, cheapest, costs_of, strictest, with_rules
from headrace.usecase.reasons import Case, Reason, Reasons
from headrace.usecase.rules import Rule, RuleSet


class Verdict(NamedTuple):
    """What is to be said of a decision that is no plain approval."""

    rule_hits: list[str]
    reasons: list[str]
    reason_codes: list[str]
    missed: bool
    """The deadline."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What is decided about a batch of n events."""

    tried: Tried
    actions: list[Action]
    """Of each event."""
    costs_minor: list[int | None]
    """What the action is expected to cost, in minor units, rounded half to even."""
    verdicts: dict[int, Verdict]
    """By row, of those that are no plain approval."""


class _Open(NamedTuple):
    """An event for which the cheapest action is not simply taken, and what is known of it."""

    event: Received
    vector: list[float]
    contributions: list[float]
    score: float
    costs: list[float]
    """Of the three actions."""
    hits: Sequence[Rule]
    by_model: Action | None
    """The cheapest action; None where there is no score."""
    late_ms: int | None
    """How long after its arrival it is decided, where that is past the deadline."""


class Judge:
    """Judges events as a charter says.

    Parameters
    ----------
    charter, model, lists
        What is declared, the model that serves it, and the lists as they are.
    partitions
        How many partitions the events have: they share the reviewers.
    """

    def __init__(
        self, charter: Charter, model: FrozenModel | None, lists: EntityLists, partitions: int
    ) -> None:
        names, events = charter.feature_set.names, charter.events
        self._policy, self._values = charter.policy, charter.values
        self._deadline_ms, self._late_action = charter.deadline_ms, charter.late_action
        self._amount = events.amount
        self._model = GuardedModel(model)
        self._rules = RuleSet(charter.rules, names)
        self._lists = lists
        self._reasons = Reasons(
            charter.reasons, charter.rules, names, model.usual if model else (), events.currency
        )
        self._reviewers = Reviewers(charter, partitions)

    def judge(
        self,
        events: Sequence[Received],
        matrix: NDArray[np.float64],
        now_ms: int,
        view: View[State],
        stages: StageClock,
    ) -> Judged:
        """Judge a batch that is decided at ``now_ms``, in its order.

        Parameters
        ----------
        events, matrix
            The n events, and their vectors (n, k).
        """
        stages.enter("model")
        tried = self._model.score(matrix)
        stages.enter("policy")
        records = [event.record for event in events]
        amounts = np.array([record[self._amount] for record in records], np.float64)
        costs = costs_of(self._values, tried.scores, amounts)
        severities = cheapest(costs)
        hits = self._rules.hits(records, matrix, self._lists)
        late = self._late(events, now_ms)
        judged = Judged(
            tried,
            [BY_SEVERITY[severity] for severity in severities.tolist()],
            self._rounded(costs.min(axis=0)),
            {},
        )
        for row in sorted({*np.flatnonzero(severities).tolist(), *hits, *late, *tried.fallbacks}):
            by_model = None if row in tried.fallbacks else judged.actions[row]
            is_open = _Open(
                events[row],
                matrix[row].tolist(),
                tried.contributions_of(row),
                float(tried.scores[row]),
                costs[:, row].tolist(),
                hits.get(row, ()),
                by_model,
                late.get(row),
            )
            self._settle(judged, row, is_open, view)
        return judged

    def _late(self, events: Sequence[Received], now_ms: int) -> dict[int, int]:
        """Return, by row, how long after their arrival events are decided that are too late."""
        due_ms = now_ms - self._deadline_ms
        return {
            row: now_ms - event.timestamp_ms
            for row, event in enumerate(events)
            if 0 <= event.timestamp_ms < due_ms
        }

    def _rounded(self, costs: NDArray[np.float64]) -> list[int | None]:
        if self._values is None:
            return [None] * len(costs)
        return [*map(int, np.rint(costs).tolist())]

    def _settle(self, judged: Judged, row: int, it: _Open, view: View[State]) -> None:
        """Decide what is open."""
        if it.late_ms is None:
            action, reasons = self._weighed(it, view)
        else:
            action = self._reviewers.due(self._late_action, it.event, view)
            reasons = self._reasons.late(
                it.late_ms, self._deadline_ms, is_crowded_out=action != self._late_action
            )
        judged.actions[row] = action
        cost = it.costs[BY_SEVERITY.index(action)]
        has_price = it.by_model is not None and self._values is not None
        judged.costs_minor[row] = round(cost) if has_price else None
        judged.verdicts[row] = Verdict(
            [rule.code for rule in it.hits],
            [reason.words for reason in reasons],
            [reason.code for reason in reasons],
            it.late_ms is not None,
        )

    def _weighed(self, it: _Open, view: View[State]) -> tuple[Action, Sequence[Reason]]:
        """Return what rules and model come to, and why."""
        by_rules = strictest([rule.action for rule in it.hits]) if it.hits else None
        wanted = self._wanted(by_rules, it.by_model)
        if by_rules is None and it.by_model is not None:
            action = self._reviewers.worth(wanted, it.costs, it.event, view)
        else:
            action = self._reviewers.due(wanted, it.event, view)
        case = Case(
            it.event.record,
            it.vector,
            it.contributions,
            it.score,
            it.hits,
            it.by_model,
            action,
            is_crowded_out=action != wanted,
        )
        return action, self._reasons.of(case)

    def _wanted(self, by_rules: Action | None, by_model: Action | None) -> Action:
        if by_model is None:
            return by_rules or self._policy.fallback_action
        return by_model if by_rules is None else with_rules(by_rules, by_model)
