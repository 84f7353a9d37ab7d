"""What decisions have cost, by the charter's values."""

import pytest

from headrace.evaluating.money import Costs, realised
from headrace.usecase.values import Cost, ReviewCost, Values

VALUES = Values(
    missed=Cost(share=1.0, fixed_minor=2_000),
    false_decline=Cost(share=0.1, fixed_minor=500),
    review=ReviewCost(cost_minor=300, missed_share=0.25),
)


@pytest.mark.parametrize(
    ("action", "is_positive", "cost"),
    [
        ("approve", True, 12_000),
        ("review", True, 3_300),
        ("decline", True, 0),
        ("approve", False, 0),
        ("review", False, 300),
        ("decline", False, 1_500),
    ],
)
def test_an_action_costs_what_the_charter_says(action, is_positive, cost):
    approving = 12_000 if is_positive else 0
    assert realised(VALUES, action, 10_000, is_positive=is_positive) == Costs(cost, approving)
