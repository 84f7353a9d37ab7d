"""What the models that learned have done better than the scorecard; pure."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from headrace.evaluating.exact import average_precision, roc_auc
from headrace.models.frozen import FrozenModel
from headrace.usecase.policy import cheapest, costs_of
from headrace.usecase.values import Values


class Measured(NamedTuple):
    """How good scores were, by the truth about all events: also those that nobody disputed."""

    average_precision: float
    roc_auc: float
    cost_minor: int
    """What the cheapest actions by these scores have cost."""


class Improvement(NamedTuple):
    """The events that models decided which had learned, and what the scorecard says of the same."""

    events: int
    positives: int
    learned: Measured
    scorecard: Measured

    def as_json(self) -> dict[str, object]:
        """Return it as plain values."""
        return {
            "events": self.events,
            "positives": self.positives,
            "learned": self.learned._asdict(),
            "scorecard": self.scorecard._asdict(),
        }


def improvement(
    decisions: Sequence[Mapping[str, Any]],
    truths: Sequence[bool],
    scorecard: FrozenModel,
    values: Values,
) -> Improvement | None:
    """Compare; None where no model that learned has decided about positives and negatives.

    Parameters
    ----------
    decisions, truths
        (n,): what was decided, and whether the event really was positive.
    """
    by_learned = [
        (decision, truth)
        for decision, truth in zip(decisions, truths, strict=True)
        if not decision["fallback"] and decision["model_digest"] != scorecard.digest
    ]
    positive = np.array([truth for _, truth in by_learned], bool)
    if positive.all() or not positive.any():
        return None
    scores = np.array([decision["score"] for decision, _ in by_learned])
    vectors = np.array([decision["features"] for decision, _ in by_learned])
    amounts = np.array([float(decision["amount_minor"] or 0) for decision, _ in by_learned])
    learned, expert = (
        _measured(each, positive, amounts, values)
        for each in (scores, scorecard.score(vectors).scores)
    )
    return Improvement(len(positive), int(positive.sum()), learned, expert)


def _measured(
    scores: NDArray[np.float64],
    positive: NDArray[np.bool_],
    amounts: NDArray[np.float64],
    values: Values,
) -> Measured:
    actions = cheapest(costs_of(values, scores, amounts))
    costs = costs_of(values, positive.astype(np.float64), amounts)
    cost = costs[actions, np.arange(len(actions))].sum()
    return Measured(
        average_precision(positive, scores), roc_auc(positive, scores), round(float(cost))
    )
