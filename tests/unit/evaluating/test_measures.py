"""From counts to measures, beside what sorting gives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.evaluating.counts import Counts, nothing
from headrace.evaluating.exact import average_precision, roc_auc
from headrace.evaluating.levels import BIN_SCORES, BINS, bins, level_of
from headrace.evaluating.measures import measure

sparse = st.lists(st.tuples(st.integers(0, BINS - 1), st.booleans()), min_size=1, max_size=60)
scored = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def of(outcomes: list[tuple[int, bool]]) -> Counts:
    counts = nothing()
    for place, positive in outcomes:
        counts.histogram[int(positive), place] += 1
    return counts


@given(sparse)
def test_in_the_middle_of_bins_ranking_is_what_sorting_gives(outcomes):
    positive = np.array([is_positive for _, is_positive in outcomes])
    scores = BIN_SCORES[[place for place, _ in outcomes]]
    measures = measure(of(outcomes), None)
    for mine, its in (
        (measures.roc_auc, roc_auc(positive, scores)),
        (measures.average_precision, average_precision(positive, scores)),
    ):
        assert (np.nan if mine is None else mine) == pytest.approx(its, nan_ok=True)


@given(scored)
def test_elsewhere_roc_auc_is_off_by_half_the_pairs_that_share_a_bin(outcomes):
    positive = np.array([is_positive for _, is_positive in outcomes])
    scores = np.array([score for score, _ in outcomes])
    levels = np.array([level_of(score) for score in scores], np.int16)
    counts = of(list(zip(bins(levels).tolist(), positive.tolist(), strict=True)))
    if not 0 < positive.sum() < len(positive):
        assert measure(counts, None).roc_auc is None
        return
    negatives, positives = counts.histogram
    shared = (negatives * positives).sum() / (negatives.sum() * positives.sum())
    auc = measure(counts, None).roc_auc
    assert auc is not None
    assert abs(auc - roc_auc(positive, scores)) <= shared / 2 + 1e-12


@given(sparse, st.integers(1, 80))
def test_precision_at_capacity_is_the_mean_over_all_orders_of_those_that_tie(outcomes, capacity):
    order = sorted(outcomes, key=lambda each: -each[0])
    hits = 0.0
    for place in range(min(capacity, len(order))):
        tied = [positive for each, positive in order if each == order[place][0]]
        hits += sum(tied) / len(tied)
    measured = measure(of(outcomes), capacity).precision_at_capacity
    assert measured == pytest.approx(hits / min(capacity, len(order)))


def test_of_fewer_outcomes_than_the_capacity_all_are_looked_at():
    assert measure(of([(3, True), (5, False)]), 100).precision_at_capacity == 0.5


def test_scores_that_say_how_many_are_positive_are_calibrated():
    half = int(np.searchsorted(BIN_SCORES, 0.5))
    right = of([(half, n % 2 == 0) for n in range(100)])
    wrong = of([(half, n % 10 == 0) for n in range(100)])
    assert measure(right, None).calibration_error == pytest.approx(0, abs=0.005)
    assert measure(wrong, None).calibration_error == pytest.approx(0.4, abs=0.005)


def test_groups_that_err_both_ways_do_not_make_up_for_each_other():
    low, high = np.searchsorted(BIN_SCORES, [0.3, 0.7])
    counts = of([(low, n < 50) for n in range(100)] + [(high, n < 50) for n in range(100)])
    assert measure(counts, None).calibration_error == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize("is_positive", [True, False])
def test_what_cannot_be_said_of_one_class_is_not_said(is_positive):
    measures = measure(of([(100, is_positive)] * 3), 2)
    assert measures.roc_auc is None
    assert measures.average_precision == (1.0 if is_positive else None)
    assert measures.precision_at_capacity == float(is_positive)
    assert measures.positive_share == float(is_positive)


def test_of_nothing_nothing_is_said():
    assert set(measure(nothing(), 10)) == {None}


def test_without_a_capacity_there_is_no_precision_at_it():
    assert measure(of([(1, True)]), None).precision_at_capacity is None
