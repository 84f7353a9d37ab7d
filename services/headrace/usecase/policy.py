"""From scores to actions: the cheapest one, unless something outranks the model."""

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from headrace.usecase.declared import STRICT, Text
from headrace.usecase.values import Values

Action = Literal["approve", "review", "decline"]
BY_SEVERITY: Final[tuple[Action, ...]] = ("approve", "review", "decline")


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Policy:
    """What is done where the cheapest action is not simply taken."""

    version: Text
    fallback_action: Action
    """Of what no rule applies to, where the model cannot decide."""
    when_full: Literal["approve", "decline"]
    """Instead of a review that is due without regard to its cost, once the day's are used up."""


def cheapest(costs: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the severity, (n,), of the cheapest of the (3, n) actions; of equals, the mildest."""
    severities: NDArray[np.intp] = costs.argmin(axis=0)
    return severities


def costs_of(
    values: Values | None, scores: NDArray[np.float64], amounts: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what each action is expected to cost, (3, n), in minor units.

    Where outcomes have no value, approving costs nothing and everything else has no price.
    """
    if values is not None:
        return values.expected_costs(scores, amounts)
    costs = np.full((3, len(scores)), np.inf)
    costs[0] = 0.0
    return costs


def strictest(actions: list[Action]) -> Action:
    """Return the most severe of some actions."""
    return max(actions, key=BY_SEVERITY.index)


def with_rules(by_rules: Action, by_model: Action) -> Action:
    """Return the action where rules and the model both have one.

    A rule's review or decline is the least that happens, the model may be stricter; an approval,
    where no stricter rule applies, exempts from the model.
    """
    return "approve" if by_rules == "approve" else strictest([by_rules, by_model])
