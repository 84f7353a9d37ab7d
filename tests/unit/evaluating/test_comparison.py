"""Models side by side: over common windows, weighted by what is known, by each clock."""

import pytest

from headrace.evaluating.comparison import MEASURES, Latest, compared
from headrace.evaluating.evaluator import ALL, SERVED

DAY = 86_400_000


def evaluation(model=SERVED, day=0, positives=1, negatives=1, **others):
    return {
        "model": model,
        "model_version": "1",
        "label_source": ALL,
        "window_start_ms": day * DAY,
        "window_end_ms": (day + 1) * DAY,
        "final": False,
        "outcomes": 10,
        "known_at_ms": 20 * DAY,
        "positives": positives,
        "negatives": negatives,
        "censored": 1,
        **dict.fromkeys(MEASURES),
        "currency": None,
        "saved_minor": None,
        **others,
    }


def compare(*evaluations, models=(SERVED, "forest"), source=ALL, final=False):
    latest = Latest()
    for each in evaluations:
        latest.take(each)
    return compared(latest.windows(source, final=final), models, source, final=final)


def measures(comparison, name):
    return [each.measures[name] for each in comparison.models]


def test_a_measure_is_the_mean_of_the_windows_weighted_by_their_known_outcomes():
    found = compare(
        evaluation(day=0, positives=10, negatives=20, log_loss=0.1),
        evaluation(day=1, positives=5, negatives=5, log_loss=0.5),
        models=[SERVED],
    )
    assert measures(found, "log_loss") == [pytest.approx((30 * 0.1 + 10 * 0.5) / 40)]
    assert (found.models[0].positives, found.models[0].negatives) == (15, 25)


def test_only_windows_that_all_models_have_are_compared():
    found = compare(
        evaluation(day=0, roc_auc=0.5),
        evaluation(day=1, roc_auc=0.9),
        evaluation("forest", day=1, roc_auc=0.8),
        evaluation("another", day=2, roc_auc=0.1),
    )
    assert measures(found, "roc_auc") == [0.9, 0.8]
    assert found.starts_ms == [DAY]
    assert found.left_out == 1


def test_a_window_weighs_the_same_for_all_models_though_one_has_scored_more_of_it():
    found = compare(
        evaluation(day=0, positives=90, negatives=10, roc_auc=0.0),
        evaluation("forest", day=0, positives=9, negatives=1, roc_auc=0.0),
        evaluation(day=1, positives=5, negatives=5, roc_auc=1.0),
        evaluation("forest", day=1, positives=50, negatives=50, roc_auc=1.0),
    )
    assert measures(found, "roc_auc") == [0.5, 0.5]


def test_a_window_in_which_one_cannot_be_measured_counts_for_none_in_that_measure():
    found = compare(
        evaluation(day=0, log_loss=0.1, average_precision=0.2),
        evaluation("forest", day=0, log_loss=0.2, average_precision=0.4),
        evaluation(day=1, log_loss=0.3, average_precision=0.9),
        evaluation("forest", day=1, log_loss=0.4),
    )
    assert measures(found, "average_precision") == [0.2, 0.4]
    assert measures(found, "log_loss") == pytest.approx([0.2, 0.3])
    assert measures(found, "roc_auc") == [None, None]


def test_the_latest_word_on_a_window_counts_and_the_final_one_is_the_latest_too():
    told = [
        evaluation(day=0, log_loss=0.9, outcomes=1),
        evaluation(day=0, log_loss=0.4, outcomes=2, model_version="2"),
        evaluation(day=1, log_loss=0.7, outcomes=1),
        evaluation(day=0, log_loss=0.2, outcomes=30, final=True, known_at_ms=90 * DAY),
    ]
    known = compare(*told[:3], models=[SERVED])
    assert measures(known, "log_loss") == pytest.approx([0.55])
    assert known.models[0].version == "2"
    after = compare(*told, models=[SERVED])
    assert measures(after, "log_loss") == pytest.approx([0.45])
    assert after.known_at_ms == 90 * DAY
    final = compare(*told, models=[SERVED], final=True)
    assert measures(final, "log_loss") == [0.2]
    assert final.starts_ms == [0]


def test_the_word_of_one_source_is_compared_by_itself():
    found = compare(
        evaluation(log_loss=0.9),
        evaluation(log_loss=0.1, label_source="analyst"),
        models=[SERVED],
        source="analyst",
    )
    assert measures(found, "log_loss") == [0.1]


def test_money_is_added_where_there_is_any():
    found = compare(
        evaluation(day=0, currency="EUR", saved_minor=100),
        evaluation(day=1, currency="EUR", saved_minor=-30),
        evaluation(day=2),
        *(evaluation("forest", day=day) for day in range(3)),
    )
    assert [(each.saved_minor, each.currency) for each in found.models] == [
        (70, "EUR"),
        (None, None),
    ]


def test_where_no_window_is_common_nothing_is_said():
    found = compare(evaluation(day=0), evaluation("forest", day=1))
    assert found.models == []
    assert found.starts_ms == []
    assert found.left_out == 2
