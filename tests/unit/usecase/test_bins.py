"""Bins that are the same everywhere."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.usecase.bins import NUMBERS, PROBABILITIES

NUMBER_BINS = range(-NUMBERS.most, NUMBERS.most + 1)
PROBABILITY_BINS = range(-PROBABILITIES.most, PROBABILITIES.most + 1)


def bin_of(binning, value):
    return int(binning.of(np.array([value]))[0])


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (0.0, 0),
        (-0.0, 0),
        (9.9e-7, 0),
        (-9.9e-7, 0),
        (1e-6, 1),
        (-1e-6, -1),
        (1.5e-6, 3),
        (2.1e-6, 5),
        (1.0, 80),
        (-1.0, -80),
        (1e11, 226),
        (1e12, 240),
        (1.7e308, 240),
        (-1.7e308, -240),
    ],
)
def test_a_number_has_one_of_four_bins_an_octave(value, number):
    assert bin_of(NUMBERS, value) == number


@pytest.mark.parametrize(
    ("probability", "number"),
    [
        (0.0, -64),
        (1e-300, -64),
        (0.01, -19),
        (0.5, 0),
        (0.49, -1),
        (0.75, 4),
        (1.0, 64),
        (1.5, 64),
        (-0.5, -64),
    ],
)
def test_a_probability_has_one_of_four_bins_a_logit(probability, number):
    assert bin_of(PROBABILITIES, probability) == number


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_between_the_edges_of_its_bin(value):
    low, high = NUMBERS.edges(bin_of(NUMBERS, value))
    slack = 1e-9 * abs(value)
    assert low - slack <= value <= high + slack


@given(value=st.floats(0, 1))
def test_a_probability_is_between_the_edges_of_its_bin(value):
    low, high = PROBABILITIES.edges(bin_of(PROBABILITIES, value))
    assert low * (1 - 1e-9) <= value <= high * (1 + 1e-9)


@pytest.mark.parametrize(
    ("binning", "numbers"), [(NUMBERS, NUMBER_BINS), (PROBABILITIES, PROBABILITY_BINS)]
)
def test_the_centre_of_a_bin_is_in_it_and_bins_meet_at_their_edges(binning, numbers):
    assert [bin_of(binning, binning.centre(number)) for number in numbers] == [*numbers]
    for number in numbers[:-1]:
        assert math.isclose(binning.edges(number)[1], binning.edges(number + 1)[0])


def test_the_outermost_bins_have_no_end():
    assert NUMBERS.edges(-240)[0] == -math.inf
    assert NUMBERS.edges(240)[1] == math.inf
    assert PROBABILITIES.edges(-64)[0] == 0
    assert PROBABILITIES.edges(64)[1] == 1


def test_an_array_keeps_its_shape():
    assert NUMBERS.of(np.zeros((3, 4))).shape == (3, 4)
