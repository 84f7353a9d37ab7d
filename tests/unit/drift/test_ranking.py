"""Surprises are standard normal whatever the values are; clumps are known for what they are."""

import random
from math import exp, inf
from statistics import NormalDist, fmean, pstdev

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.drift.ranking import MOST, Ranking

DISTRIBUTIONS = {
    "normal": lambda rnd: rnd.gauss(5, 2),
    "heavy tails": lambda rnd: exp(rnd.gauss(0, 4)),
    "uniform": lambda rnd: rnd.random(),
    "yes or no": lambda rnd: float(rnd.random() < 0.1),
    "always the same": lambda rnd: 7.0,
}


def surprises(values, rnd, least=20):
    ranking, found = Ranking(least), []
    for value in values:
        surprise = ranking.surprise(value, rnd.random())
        ranking.learn(value, surprise)
        if surprise is not None:
            found.append(surprise)
    return ranking, found


@pytest.mark.parametrize("draw", DISTRIBUTIONS.values(), ids=DISTRIBUTIONS)
def test_surprises_are_standard_normal_whatever_the_distribution(draw):
    rnd = random.Random(3)
    ranking, found = surprises((draw(rnd) for _ in range(4_000)), rnd)
    assert abs(fmean(found)) < 0.06
    assert pstdev(found) == pytest.approx(1, abs=0.05)
    ranks = sorted(map(NormalDist().cdf, found))
    worst = max(abs(rank - n / len(ranks)) for n, rank in enumerate(ranks))
    assert worst < 1.63 / len(ranks) ** 0.5, "Kolmogorov and Smirnov would say so once in 100"
    assert ranking.clumping < 1.25


def test_nothing_is_surprising_before_enough_is_known():
    ranking = Ranking(3)
    for value in (1.0, 2.0):
        ranking.learn(value, None)
    assert ranking.surprise(9.0, 0.5) is None
    ranking.learn(3.0, None)
    assert ranking.surprise(9.0, 0.5) > 0 > ranking.surprise(0.0, 0.5)


def test_of_those_that_are_equal_some_count_as_smaller():
    ranking = Ranking(1)
    for _ in range(99):
        ranking.learn(4.0, None)
    assert ranking.surprise(4.0, 0.5) == pytest.approx(0)
    assert ranking.surprise(4.0, 0.1) == pytest.approx(NormalDist().inv_cdf(0.1))


@given(st.floats(allow_nan=False), st.floats(0, 1, exclude_max=True))
def test_the_strangest_value_is_as_surprising_as_what_is_known_allows(value, tie):
    ranking = Ranking(1)
    for number in range(10):
        ranking.learn(float(number), None)
    assert abs(ranking.surprise(value, tie)) <= NormalDist().inv_cdf(1 - 0.5 / 11) < inf


def test_clumps_are_known_for_what_they_are():
    rnd, level, values = random.Random(8), 0.0, []
    for _ in range(3_000):
        level = 0.7 * level + rnd.gauss(0, 1)
        values.append(level)
    ranking, _ = surprises(values, rnd)
    assert ranking.is_clumping_known
    assert ranking.clumping == pytest.approx((1.7 / 0.3) ** 0.5, rel=0.2)  # of an AR(1)


def test_clumps_are_remembered_where_what_is_usual_is_forgotten():
    rnd = random.Random(8)
    ranking, _ = surprises([float(n // 20) % 7 for n in range(500)], rnd)
    before = ranking.clumping
    ranking.forget()
    assert (ranking.known, ranking.clumping) == (0, before)
    assert before > 2


def test_only_the_latest_values_are_remembered():
    ranking = Ranking(1)
    for number in range(MOST + 500):
        ranking.learn(float(number), None)
    assert ranking.known == MOST
    assert ranking.mean == 500 + (MOST - 1) / 2
    assert ranking.surprise(499.5, 0.5) == ranking.surprise(-1.0, 0.0)


@given(st.lists(st.integers(-3, 3), max_size=150), st.integers(0, 150))
def test_it_is_the_same_when_it_is_had_again(numbers, cut):
    rnd, others = random.Random(1), random.Random(1)
    whole, _ = surprises(map(float, numbers), rnd)
    ranking, _ = surprises(map(float, numbers[:cut]), others)
    again = Ranking(20)
    again.restore(orjson.loads(orjson.dumps(ranking.parts())))
    for value in map(float, numbers[cut:]):
        again.learn(value, again.surprise(value, others.random()))
    assert again.parts() == whole.parts()
