"""Scores as levels, and what that costs in precision."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.evaluating.levels import (
    BIN_SCORES,
    BINS,
    LOSSES,
    NO_SCORE,
    SCORES,
    UNIT,
    bins,
    level_of,
    places,
)

probabilities = st.floats(0.0, 1.0)
inside = st.floats(2e-7, 1 - 2e-7)


def at(score: float) -> np.ndarray:
    return places(np.array([level_of(score)], np.int16))


@given(inside)
def test_a_level_is_within_a_4096th_in_log_odds(score):
    level = level_of(score) / 2_048
    assert abs(level - (math.log(score) - math.log1p(-score))) <= 1 / 4_096 + 1e-9


@given(inside)
def test_scores_and_losses_are_those_of_the_score_within_a_4096th(score):
    negative, positive = LOSSES[:, at(score)[0]] / UNIT
    assert SCORES[at(score)][0] / UNIT == pytest.approx(score, rel=1 / 4_000, abs=1e-9)
    assert abs(positive + math.log(score)) <= 1 / 4_000
    assert abs(negative + math.log1p(-score)) <= 1 / 4_000


@given(probabilities, probabilities)
def test_a_higher_score_has_no_lower_level(one, other):
    low, high = sorted((one, other))
    assert level_of(low) <= level_of(high)


@pytest.mark.parametrize(("score", "worst"), [(0.0, 1), (1.0, 0), (5e-324, 1), (1 - 2**-53, 0)])
def test_a_score_that_is_certain_costs_16_where_it_is_wrong(score, worst):
    losses = LOSSES[:, at(score)[0]] / UNIT
    assert losses[worst] == pytest.approx(16, abs=0.001)
    assert losses[1 - worst] == pytest.approx(0, abs=1e-6)
    assert level_of(score) != NO_SCORE


def test_the_score_in_the_middle_of_a_bin_stands_in_it():
    levels = np.array([level_of(score) for score in BIN_SCORES], np.int16)
    assert bins(levels).tolist() == list(range(BINS))


@pytest.mark.parametrize("score", [-0.1, 1.1, math.nan, math.inf])
def test_what_is_no_probability_is_refused(score):
    with pytest.raises(ValueError, match="probability"):
        level_of(score)
