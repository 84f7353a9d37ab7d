"""Bounds of rates, and delays of which some are not known."""

import math

import pytest

from headrace.benchmark.drifts.rates import Delays, delays, upper_bound


@pytest.mark.parametrize(("count", "bound"), [(0, 2.996), (1, 4.744), (10, 16.96), (100, 118.1)])
def test_the_bound_of_a_rate_is_the_exact_one_of_poisson(count, bound) -> None:
    assert upper_bound(count) == pytest.approx(bound, rel=1e-3)


def test_with_none_seen_the_bound_is_what_has_a_chance_of_one_in_twenty_to_show_none() -> None:
    assert math.exp(-upper_bound(0)) == pytest.approx(0.05)


def test_a_bound_is_found_of_many_too() -> None:
    assert upper_bound(5_000) == pytest.approx(5_117, abs=2)


def test_what_was_missed_took_longer_than_anything_else() -> None:
    assert delays([30, None, 10, 20]) == Delays(20, None, 1, 4)
    assert delays([None, None, 5]) == Delays(None, None, 2, 3)


def test_of_twenty_the_95th_percentile_is_the_last_but_one() -> None:
    assert delays(list(range(1, 21))) == Delays(10, 19, 0, 20)


def test_of_nothing_there_is_no_delay() -> None:
    assert delays([]) == Delays(None, None, 0, 0)
