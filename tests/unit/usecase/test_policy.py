"""The cheapest action: what each is expected to cost, and that no thresholds are cheaper."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from headrace.usecase.policy import BY_SEVERITY, cheapest, costs_of, with_rules
from headrace.usecase.values import Cost, ReviewCost, Values
from support.thresholds import cheapest_thresholds

VALUES = Values(
    missed=Cost(share=1.0, fixed_minor=2_000),
    false_decline=Cost(share=0.03, fixed_minor=1_500),
    review=ReviewCost(cost_minor=300, missed_share=0.1),
)
shares = st.floats(0, 3)
fixed = st.integers(0, 100_000)
costs = st.builds(Cost, share=shares, fixed_minor=fixed)
any_values = st.builds(
    Values,
    missed=costs,
    false_decline=costs,
    review=st.builds(ReviewCost, cost_minor=fixed, missed_share=st.floats(0, 1)),
)
lengths = st.integers(1, 30)


@st.composite
def scored(draw):
    """Scores and amounts of some events."""
    n = draw(lengths)
    return (
        draw(arrays(np.float64, n, elements=st.floats(0, 1))),
        draw(arrays(np.float64, n, elements=st.floats(0, 1e9))),
    )


def of_thresholds(scores, review_at: float, decline_at: float):
    """The severities that two fixed thresholds give."""
    return np.searchsorted((review_at, decline_at), scores, side="right")


def test_an_action_costs_what_it_loses_where_it_is_wrong() -> None:
    approve, review, decline = VALUES.expected_costs(np.array([0.25]), np.array([10_000.0]))
    assert approve.tolist() == [0.25 * (10_000 + 2_000)]
    assert review.tolist() == [0.1 * 0.25 * (10_000 + 2_000) + 300]
    assert decline.tolist() == [0.75 * (0.03 * 10_000 + 1_500)]


def test_nothing_is_at_stake_in_a_negative_amount() -> None:
    some, none = (VALUES.expected_costs(np.array([0.5]), np.array([a])) for a in (-500.0, 0.0))
    np.testing.assert_array_equal(some, none)


@pytest.mark.parametrize(
    ("score", "amount", "action"),
    [(0.02, 1e3, "approve"), (0.02, 5e4, "review"), (0.3, 0.0, "review"), (0.3, 1e9, "decline")],
)
def test_the_same_score_is_answered_more_strictly_where_more_is_at_stake(
    score, amount, action
) -> None:
    (severity,) = cheapest(VALUES.expected_costs(np.array([score]), np.array([amount])))
    assert BY_SEVERITY[severity] == action


def test_of_equal_actions_the_mildest_is_chosen() -> None:
    assert cheapest(np.zeros((3, 1))).tolist() == [0]
    assert cheapest(np.array([[1.0], [0.0], [0.0]])).tolist() == [1]


def test_without_values_everything_is_approved() -> None:
    scores = np.array([-7.0, 0.5, 1e9])
    assert cheapest(costs_of(None, scores, scores)).tolist() == [0, 0, 0]


def test_no_scores_are_no_actions() -> None:
    assert cheapest(costs_of(VALUES, np.array([]), np.array([]))).tolist() == []


@given(scored(), any_values, st.floats(0, 1), st.floats(0, 1))
def test_no_pair_of_fixed_thresholds_is_cheaper(events, values, one, other) -> None:
    scores, amounts = events
    expected = values.expected_costs(scores, amounts)
    rows = np.arange(len(scores))
    ours = expected[cheapest(expected), rows].sum()
    theirs = expected[of_thresholds(scores, min(one, other), max(one, other)), rows].sum()
    assert ours <= theirs


def of_sums(expected) -> float:
    """How far two sums of the same costs may be apart by the order of their additions."""
    return 1e-12 * float(expected.sum())


@given(scored(), any_values)
def test_not_even_the_best_pair_of_thresholds_in_hindsight_is_cheaper(events, values) -> None:
    scores, amounts = events
    expected = values.expected_costs(scores, amounts)
    ours = expected[cheapest(expected), np.arange(len(scores))].sum()
    assert ours <= cheapest_thresholds(scores, expected) + of_sums(expected)


@given(scored(), any_values)
def test_the_best_pair_of_thresholds_is_the_best_of_all_pairs(events, values) -> None:
    scores, amounts = events
    expected = values.expected_costs(scores, amounts)
    rows, places = np.arange(len(scores)), sorted({*scores.tolist(), 2.0})
    totals = [
        expected[of_thresholds(scores, one, other), rows].sum()
        for one in places
        for other in places
        if one <= other
    ]
    assert cheapest_thresholds(scores, expected) == pytest.approx(
        min(totals), abs=of_sums(expected)
    )


@given(scored(), any_values, st.data())
def test_a_cost_does_not_depend_on_the_rest_of_its_batch_to_the_last_bit(
    events, values, data
) -> None:
    scores, amounts = events
    cut = data.draw(st.integers(0, len(scores)))
    parts = [
        values.expected_costs(scores[at], amounts[at]) for at in (slice(cut), slice(cut, None))
    ]
    np.testing.assert_array_equal(values.expected_costs(scores, amounts), np.hstack(parts))


@pytest.mark.parametrize(
    ("by_rules", "by_model", "action"),
    [
        ("review", "approve", "review"),
        ("review", "decline", "decline"),
        ("decline", "approve", "decline"),
        ("decline", "review", "decline"),
        ("approve", "decline", "approve"),
        ("approve", "review", "approve"),
    ],
)
def test_a_rule_is_the_least_that_happens_and_an_approval_exempts(
    by_rules, by_model, action
) -> None:
    assert with_rules(by_rules, by_model) == action
