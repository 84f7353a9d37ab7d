"""What a decision has cost, now that it is known what the event was."""

from typing import NamedTuple

import numpy as np

from headrace.usecase.policy import BY_SEVERITY, Action
from headrace.usecase.values import Values


class Costs(NamedTuple):
    """In minor units of one currency."""

    cost_minor: int
    """Of the action that was taken."""
    approving_minor: int
    """Of approving the event."""


def realised(values: Values, action: Action, amount_minor: int, *, is_positive: bool) -> Costs:
    """Return the costs by the charter's values: the expected ones of what is certain.

    Parameters
    ----------
    action
        What happened: an approval in shadow, whatever was decided.
    """
    certain = np.array([float(is_positive)])
    costs = np.rint(values.expected_costs(certain, np.array([float(amount_minor)])))[:, 0]
    return Costs(int(costs[BY_SEVERITY.index(action)]), int(costs[0]))
