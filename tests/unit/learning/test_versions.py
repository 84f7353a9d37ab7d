"""What is due to be learned anew follows from what was published, and from nothing else."""

from headrace.learning.versions import (
    History,
    Signal,
    Signals,
    Version,
    retrained_until,
    version_of,
    what_is_due,
)
from headrace.models.manifest import LearnedLineage, Manifest, ScorecardLineage

DAY = 86_400_000
PERIOD = 30 * DAY
CHARTER = "ab" * 32


def version(name, day, *, anew=False, until=None, charter=CHARTER):
    return Version(name, day * DAY, charter, until, anew)


def due_names(now_day, *history):
    return set(what_is_due(now_day * DAY, history, PERIOD).names)


def test_where_nothing_was_published_nothing_is_due_and_nobody_knows_when():
    assert what_is_due(1_000 * DAY, [], PERIOD) == (frozenset(), None, None)
    assert what_is_due(1_000 * DAY, [], PERIOD, signal(999)) == (frozenset(), None, None)


def test_a_model_is_due_a_period_after_its_first_version():
    history = [version("a", 3), version("a", 1), version("a", 20)]
    assert what_is_due(31 * DAY - 1, history, PERIOD) == (frozenset(), 31 * DAY, None)
    assert what_is_due(31 * DAY, history, PERIOD) == ({"a"}, 31 * DAY, None)


def test_a_model_that_was_learned_anew_is_due_a_period_after_the_latest_time():
    history = [version("a", 1), version("a", 60, anew=True), version("a", 40, anew=True)]
    history.append(version("a", 80))
    assert what_is_due(89 * DAY, history, PERIOD) == (frozenset(), 90 * DAY, None)
    assert due_names(90, *history) == {"a"}


def test_one_that_was_refused_stays_due_while_the_others_are_published():
    history = [version("a", 1), version("b", 1), version("a", 31, anew=True)]
    assert what_is_due(32 * DAY, history, PERIOD) == ({"b"}, 31 * DAY, None)
    assert due_names(61, *history) == {"a", "b"}


def test_a_clock_that_was_set_back_makes_nothing_due():
    assert due_names(0, version("a", 100, anew=True)) == set()


def signal(day):
    return Signal(f"concept/negatives@{day}", day * DAY)


def due_for(now_day, signal_day, *history, period=PERIOD):
    return what_is_due(now_day * DAY, history, period, signal(signal_day), 7 * DAY)


def test_a_drift_makes_all_models_due_that_are_older():
    history = [version("a", 1), version("b", 1), version("b", 3, anew=True)]
    assert due_for(20, 20, *history) == ({"a", "b"}, 20 * DAY, signal(20))
    assert due_for(20, 2, *history, version("a", 2, anew=True)) == (frozenset(), 32 * DAY, None)


def test_after_models_were_learned_anew_a_drift_waits_until_they_have_cooled_down():
    history = [version("a", 1), version("b", 1), version("b", 18, anew=True)]
    assert due_for(20, 20, *history) == (frozenset(), 25 * DAY, None)
    assert due_for(25, 20, *history) == ({"a", "b"}, 25 * DAY, signal(20))


def test_a_version_that_was_not_learned_anew_needs_no_cooling_down_and_ends_no_drift():
    history = [version("a", 1), version("a", 19), version("a", 21)]
    assert due_for(21, 20, *history) == ({"a"}, 20 * DAY, signal(20))


def test_without_a_period_a_drift_alone_makes_something_due():
    assert what_is_due(900 * DAY, [version("a", 1)], None) == (frozenset(), None, None)
    due = due_for(900, 20, version("a", 1), period=None)
    assert due == ({"a"}, 20 * DAY, signal(20))


def test_a_drift_takes_no_models_time_away():
    history = [version("a", 1), version("a", 40, anew=True)]
    assert due_for(70, 69, *history) == ({"a"}, 69 * DAY, signal(69))
    assert due_for(70, 39, *history) == ({"a"}, 70 * DAY, None)


def test_of_signals_the_latest_that_was_raised_and_is_of_what_models_have_learned_counts():
    signals = Signals()
    assert signals.latest is None
    for at_ms, kind, state in [
        (1, "concept", "raised"),
        (2, "calibration", "raised"),
        (3, "concept", "cleared"),
        (4, "input", "raised"),
    ]:
        signals.take(kind, {"signal_id": f"{kind}@{at_ms}", "kind": kind, "state": state}, at_ms)
    signals.take("concept", None, 5)
    assert signals.latest == Signal("calibration@2", 2)


def test_a_model_is_known_up_to_where_this_charter_has_learned_it_anew():
    history = [
        version("a", 1, until=10),
        version("a", 2, anew=True, until=20),
        version("a", 3, anew=True, until=15),
        version("b", 3, anew=True, until=30, charter="cd" * 32),
        version("c", 3, anew=True),
    ]
    assert retrained_until(history, CHARTER) == {"a": 20}


def record(name, lineage):
    manifest = Manifest(
        format=1,
        family="logistic",
        name=name,
        version="60",
        feature_set=CHARTER,
        features=("x",),
        arrays={},
        lineage=lineage,
        created_at_ms=0,
    )
    return {"manifest": manifest.to_bytes(), "published_at_ms": 7 * DAY}


LEARNED = LearnedLineage(
    charter=CHARTER, numpy="2", outcomes=60, until_offset=61, is_retrained=True, river="0"
)


def test_a_record_tells_what_the_version_has_learned_from():
    assert version_of(record("a", LEARNED)) == version("a", 7, anew=True, until=61)


def test_what_has_not_learned_and_what_nobody_can_read_is_no_version():
    assert version_of(record("a", ScorecardLineage(charter=CHARTER, numpy="2"))) is None
    assert version_of({"manifest": b"{}", "published_at_ms": 1}) is None


def test_the_history_of_some_models_passes_the_others_over_and_counts_no_record_twice():
    history = History(["a"])
    history.take("one", record("a", LEARNED))
    history.take("one", record("a", LEARNED))
    history.take("two", record("b", LEARNED))
    assert [each.name for each in history.versions] == ["a"]
    history.take("one", None)
    assert list(history.versions) == []
