"""The measures, against scikit-learn's where it has them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import average_precision_score, roc_auc_score

from headrace.evaluating.exact import average_precision, card_precision, roc_auc

pairs = st.integers(2, 60).flatmap(
    lambda n: st.tuples(
        arrays(np.bool_, n),
        arrays(np.float64, n, elements=st.integers(0, 12).map(lambda x: x / 12)),  # ties
    )
)


@given(pairs)
def test_they_are_those_of_scikit_learn(pair) -> None:
    positive, scores = pair
    if positive.any() and not positive.all():
        assert roc_auc(positive, scores) == pytest.approx(roc_auc_score(positive, scores))
        expected = average_precision_score(positive, scores)
        assert average_precision(positive, scores) == pytest.approx(expected)


def test_without_positives_there_is_nothing_to_measure() -> None:
    nothing = np.zeros(3, bool)
    assert np.isnan(roc_auc(nothing, np.arange(3.0)))
    assert np.isnan(average_precision(nothing, np.arange(3.0)))
    assert np.isnan(card_precision(np.zeros(0, np.int64), [], np.zeros(0, bool), np.zeros(0)))


def test_cards_are_looked_at_by_their_highest_score() -> None:
    days = np.zeros(4, np.int64)
    positive = np.array([True, False, False, False])
    scores = np.array([0.1, 0.9, 0.5, 0.6])
    # a's fraud scores little, and its other payment the most: the card is looked at.
    assert card_precision(days, ["a", "a", "b", "c"], positive, scores, most=1) == 1.0
    assert card_precision(days, ["a", "d", "b", "c"], positive, scores, most=1) == 0.0


def test_a_card_that_was_found_is_not_looked_at_again() -> None:
    days = np.array([0, 0, 1, 1, 1])
    cards = ["a", "b", "a", "b", "c"]
    positive = np.array([True, False, True, False, True])
    scores = np.array([0.9, 0.1, 0.9, 0.2, 0.5])
    assert card_precision(days, cards, positive, scores, most=1) == 1.0  # a, then c
    found_none = np.array([False, False, True, False, True])
    assert card_precision(days, cards, found_none, scores, most=1) == 0.5  # a twice


def test_places_that_nobody_takes_count_as_misses() -> None:
    assert card_precision(np.zeros(1, np.int64), ["a"], np.ones(1, bool), np.ones(1)) == 0.01
