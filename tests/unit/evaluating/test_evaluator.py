"""The fold: two clocks, corrections, what is final."""

import pickle
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.evaluating.evaluator import ALL, SERVED, Evaluation, Evaluator
from headrace.evaluating.money import Costs
from unit.evaluating.logs import (
    CAPACITY,
    DAY,
    MODELS,
    SOURCES,
    START,
    WAIT,
    evaluator,
    figures,
    folded,
    latest,
    naive,
    outcome,
    random_log,
)

seeds = st.integers(0, 10_000)
LAST_MOMENT = (1 * DAY + WAIT - 1) / DAY


def only(it: Evaluator, model: str = SERVED, source: str = ALL) -> Evaluation:
    (found,) = [each for each in it.known() if (each.model, each.label_source) == (model, source)]
    return found


def assert_as_sorted(each: Evaluation, log) -> None:
    expected = naive(log, each.model, each.label_source, each.window_start_ms)
    counts, measures = each.counts, each.measures
    assert counts.positives == expected["positives"]
    assert counts.positives + counts.negatives == expected["known"]
    for name in ("roc_auc", "average_precision", "mean_score", "log_loss"):
        value = getattr(measures, name)
        value = np.nan if value is None else value
        assert value == pytest.approx(expected[name], abs=3e-4, nan_ok=True), name
    if each.model == SERVED:
        assert counts.cost_minor == expected["cost"]
        assert counts.approving_minor == expected["approving"]


@given(seeds, st.integers(1, 150))
def test_what_is_known_at_a_moment_is_what_sorting_the_log_until_then_gives(seed, cut):
    log = random_log(seed, 150, events=100, scores="middle")
    known = list(folded(log[:cut]).known())
    assert {each.window_start_ms for each in known} == {
        each.occurred_at_ms // DAY * DAY for each in log[:cut]
    }
    for each in known:
        assert_as_sorted(each, log[:cut])
        assert each.outcomes == cut
        assert each.known_at_ms == log[cut - 1].known_at_ms


@given(seeds)
def test_corrections_in_any_order_give_what_the_last_values_alone_give(seed):
    log = random_log(seed, 80, events=20)
    alone = figures(folded(latest(log)))
    assert figures(folded(log)) == alone
    rnd, by_event = random.Random(seed), {}
    for each in log:
        by_event.setdefault(each.event_id, []).append(each)
    interleaved = []
    while by_event:
        event = rnd.choice(sorted(by_event))
        interleaved.append(by_event[event].pop(0))
        if not by_event[event]:
            del by_event[event]
    assert figures(folded(interleaved)) == alone


@given(seeds, st.integers(1, 60))
def test_what_comes_later_changes_nothing_that_was_known(seed, cut):
    log = random_log(seed, 60, events=40)
    it = folded(log[:cut])
    known, digest = list(it.known()), it.digest()
    later = log[cut:]
    random.Random(seed).shuffle(later)
    for each in later:
        it.take(each)
    again = folded(log[:cut])
    assert list(again.known()) == known
    assert again.digest() == digest


def test_a_correction_that_is_taken_back_leaves_no_trace():
    once, thrice = evaluator(), evaluator()
    for it, values in ((once, [True]), (thrice, [True, False, True])):
        it.take(outcome(1, value=False, score=0.2))
        for value in values:
            it.take(outcome(0, value=value, costs=Costs(3, 5)))
    assert figures(once) == figures(thrice)


def test_a_correction_counts_with_the_scores_from_before_anything_was_learned_of_the_event():
    it = evaluator()
    it.take(outcome(value=False, score=0.3))
    it.take(outcome(value=True, score=0.999))
    assert only(it).measures.mean_score == pytest.approx(0.3, rel=1e-3)
    assert only(it).measures.log_loss == pytest.approx(-np.log(0.3), abs=1e-3)


def test_a_censored_event_is_counted_apart_until_it_is_known():
    it = evaluator()
    it.take(outcome(value=None, source="censored", score=0.9))
    assert only(it).counts.censored == 1
    assert set(only(it).measures) == {None}
    it.take(outcome(value=True, source="analyst", score=0.1))
    assert only(it).counts.censored == 0
    assert only(it).counts.positives == 1
    assert only(it).measures.mean_score == pytest.approx(0.9, rel=1e-3)


def test_a_correction_moves_an_event_to_the_source_that_spoke_last():
    it = evaluator()
    it.take(outcome(source="matured", value=False))
    it.take(outcome(source="chargeback", value=True))
    assert [(each.label_source) for each in it.known() if each.model == SERVED] == [
        ALL,
        "chargeback",
    ]


def test_a_window_is_of_the_day_when_the_event_happened_and_not_when_it_was_known():
    it = evaluator()
    it.take(outcome(0, day=0, known_day=5))
    it.take(outcome(1, day=4, known_day=5))
    starts = {each.window_start_ms for each in it.known()}
    assert starts == {START, START + 4 * DAY}
    assert {each.window_end_ms - each.window_start_ms for each in it.known()} == {DAY}


def test_a_window_is_final_once_and_forgotten_when_all_that_can_come_of_it_is_past():
    it = evaluator()
    it.take(outcome(0, day=0))
    assert it.take(outcome(1, day=5, known_day=LAST_MOMENT)) == []
    final = it.take(outcome(2, day=5, known_day=1 + WAIT / DAY))
    assert [(each.model, each.label_source) for each in final] == [
        (model, source) for model in MODELS for source in (ALL, "analyst")
    ]
    assert {each.window_start_ms for each in final} == {START}
    assert all(each.final for each in final)
    assert not any(each.final for each in it.known())
    assert {each.window_start_ms for each in it.known()} == {START + 5 * DAY}
    assert it.take(outcome(3, day=6, known_day=12)) == []


def test_the_final_figures_are_those_that_were_known_last():
    log = random_log(5, 100, days=1)
    it = folded(log)
    known = figures(it)
    final = it.take(outcome(10**6, day=12, known_day=12))
    assert [each._replace(final=False, outcomes=0, known_at_ms=0) for each in final] == known


def test_several_windows_that_become_final_at_once_come_in_their_order():
    it = evaluator()
    for day in (2, 0, 1):
        it.take(outcome(day, day=day, known_day=3))
    final = it.take(outcome(9, day=30, known_day=30))
    assert [each.window_start_ms for each in final] == sorted(
        START + day * DAY for day in (0, 1, 2) for _ in range(4)
    )


def test_what_becomes_known_when_its_window_is_final_does_not_count():
    it = evaluator()
    it.take(outcome(0, day=20, known_day=20))
    known = figures(it)
    assert it.take(outcome(1, day=0, known_day=2)) == []
    assert figures(it) == known
    assert (it.taken, it.too_late) == (2, 1)


def test_a_clock_that_is_wrong_makes_no_window_final():
    it = evaluator()
    it.take(outcome(0, day=0))
    assert it.take(outcome(1, day=0, known_day=10_000)) == []
    assert it.watermark_ms == START + DAY
    assert it.too_late == 1
    assert only(it).counts.positives == 1


def test_an_outcome_that_was_known_earlier_moves_the_watermark_not_back():
    it = evaluator()
    it.take(outcome(0, known_day=3))
    it.take(outcome(1, known_day=2))
    assert it.watermark_ms == START + 3 * DAY
    assert only(it).counts.positives == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": {SERVED: float("nan")}}, "probability"),
        ({"scores": {"oracle": 0.5}}, "no model oracle"),
        ({"source": "rumour"}, "no source rumour"),
    ],
)
def test_what_is_wrong_is_refused_and_changes_nothing(change, message):
    it = evaluator()
    it.take(outcome(0))
    digest = it.digest()
    with pytest.raises(ValueError, match=message):
        it.take(outcome(1, known_day=100)._replace(**change))
    assert it.digest() == digest


def test_a_model_that_has_not_scored_an_event_is_not_judged_by_it():
    it = evaluator()
    it.take(outcome(0))
    it.take(outcome(1, costs=Costs(7, 9))._replace(scores={"forest": 0.5}))
    assert only(it, SERVED).counts.positives == 1
    assert only(it, "forest").counts.positives == 2
    assert only(it, SERVED).counts.cost_minor == 7


def test_money_is_of_what_was_decided_and_follows_corrections():
    it = evaluator()
    it.take(outcome(0, value=False, costs=Costs(500, 0)))
    it.take(outcome(1, value=True, costs=Costs(100, 9_000)))
    it.take(outcome(0, value=True, costs=Costs(0, 4_000)))
    counts = only(it).counts
    assert (counts.priced, counts.cost_minor, counts.approving_minor) == (2, 100, 13_000)
    assert only(it, "forest").counts.priced == 0


def test_scores_of_0_and_1_are_scores():
    it = evaluator()
    it.take(outcome(0, value=True, score=1.0))
    it.take(outcome(1, value=False, score=0.0))
    measures = only(it).measures
    assert measures.roc_auc == measures.average_precision == 1.0
    assert measures.log_loss == pytest.approx(0, abs=1e-6)


@given(seeds)
def test_the_same_log_gives_the_same_state_also_over_a_restart(seed):
    log = random_log(seed, 400, events=300)
    whole, before = folded(log), folded(log[:170])
    restored = pickle.loads(pickle.dumps(before))  # noqa: S301 -- our own bytes
    assert restored.digest() == before.digest()
    for each in log[170:]:
        restored.take(each)
    assert restored.digest() == whole.digest()
    assert list(restored.known()) == list(whole.known())


def test_two_logs_that_differ_in_one_outcome_differ_in_their_states():
    log = random_log(1, 100)
    other = [*log[:-1], log[-1]._replace(value=not log[-1].value)]
    assert folded(log).digest() != folded(other).digest()
    assert folded(log).digest() != folded(log[:-1]).digest()
    assert evaluator().digest() != Evaluator(MODELS, SOURCES, WAIT, CAPACITY + 1).digest()


def test_looking_changes_nothing():
    log = random_log(2, 400)
    looked_at, left_alone = evaluator(), evaluator()
    for each in log:
        looked_at.take(each)
        left_alone.take(each)
        if each.known_at_ms % 7 == 0:
            list(looked_at.known())
    assert looked_at.digest() == left_alone.digest()


def test_memory_is_that_of_the_windows_that_are_open():
    it = evaluator()
    sizes = []
    for day in range(60):
        for number in range(20):
            it.take(outcome(day * 20 + number, day=day, known_day=day + 0.5))
        sizes.append(len(pickle.dumps(it)))
    assert max(sizes[30:]) <= 1.1 * sizes[20]
    assert len({each.window_start_ms for each in it.known()}) == WAIT // DAY + 1


def test_windows_may_have_another_length():
    it = Evaluator(MODELS, SOURCES, WAIT, CAPACITY, window_ms=7 * DAY)
    for day in range(7):
        it.take(outcome(day, day=day, known_day=8))
    assert {each.window_end_ms - each.window_start_ms for each in it.known()} == {7 * DAY}
