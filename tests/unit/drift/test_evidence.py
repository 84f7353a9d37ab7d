"""How much evidence comes by chance, and how soon there is enough of it where something drifted."""

import random
from math import exp

import orjson
import pytest

from headrace.drift.evidence import SHIFTS, Evidence


def run_length(allowed, *, two_sided, mean=0.0, runs=40, most=20_000, seed=5):
    """How many surprises it takes on average until so much evidence is there."""
    rnd, total = random.Random(seed), 0
    for _ in range(runs):
        evidence = Evidence(two_sided=two_sided)
        for _ in range(most):
            evidence.take(rnd.gauss(mean, 1))
            total += 1
            if evidence.once_in >= allowed:
                break
    return total / runs


@pytest.mark.parametrize("two_sided", [False, True])
@pytest.mark.parametrize("allowed", [100, 500])
def test_by_chance_it_comes_no_more_often_than_it_says_and_not_much_less(allowed, two_sided):
    assert allowed <= run_length(allowed, two_sided=two_sided) <= 3 * allowed


def test_one_sum_alone_comes_as_often_as_siegmund_says():
    """d = 1, a boundary of ln 100: 2 (exp(b) - b - 1), b = ln 100 + 1.166, is 628 surprises."""
    boundary, rnd, total, runs = 4.605, random.Random(1), 0, 150
    for _ in range(runs):
        cusum = 0.0
        while cusum < boundary:
            cusum = max(0.0, cusum + rnd.gauss(0, 1) - 0.5)
            total += 1
    evidence = Evidence(two_sided=False)
    evidence.restore([[0.0, 0.0, boundary], [0, 0, 1]])
    assert evidence.once_in * len(SHIFTS) == pytest.approx(2 * (exp(5.771) - 6.771), rel=1e-3)
    assert evidence.once_in * len(SHIFTS) == pytest.approx(total / runs, rel=0.2)


@pytest.mark.parametrize(("shift", "most"), [(0.5, 120), (1.0, 40), (3.0, 12)])
def test_a_lasting_shift_is_evident_soon(shift, most):
    assert run_length(10_000, two_sided=False, mean=shift) < most
    assert run_length(10_000, two_sided=True, mean=-shift) < most


def test_small_values_are_no_evidence_where_only_large_ones_are_strange():
    evidence = Evidence(two_sided=False)
    for _ in range(1_000):
        evidence.take(-3.0)
    assert evidence.since == 0
    assert evidence.once_in < 1


def test_it_tells_since_when():
    evidence = Evidence(two_sided=True)
    for surprise in [0.0] * 50 + [-2.0] * 7:
        evidence.take(surprise)
    assert evidence.since == 7


def test_however_strong_it_is_it_is_a_number_that_can_be_kept():
    evidence, other = Evidence(two_sided=True), Evidence(two_sided=True)
    for _ in range(10_000):
        evidence.take(5.0)
    other.restore(orjson.loads(orjson.dumps(evidence.parts())))
    assert 1e100 < evidence.once_in == other.once_in < float("inf")
    assert evidence.since == other.since
