"""How many dead letters are too many."""

import random

from hypothesis import given
from hypothesis import strategies as st

from headrace.chassis.limit import DeadLetterLimit


def test_an_unbroken_run_is_past_the_limit_with_the_first_one_more():
    limit = DeadLetterLimit(ratio=1, window=1_000, run=3)
    assert limit.first_past([True] * 3) is None
    assert limit.first_past([True]) == 0


def test_a_run_goes_on_over_batches_and_ends_with_the_first_good_record():
    limit = DeadLetterLimit(ratio=1, window=1_000, run=3)
    assert limit.first_past([False, True, True]) is None
    assert limit.first_past([True, False, True, True, True]) is None
    assert limit.first_past([True, False]) == 0


def test_a_share_counts_only_over_a_full_window():
    limit = DeadLetterLimit(ratio=0.5, window=4, run=100)
    assert limit.first_past([True, True, True]) is None
    assert limit.first_past([False]) == 0


def test_a_share_of_exactly_the_limit_is_not_past_it():
    limit = DeadLetterLimit(ratio=0.5, window=4, run=100)
    assert limit.first_past([True, False] * 50) is None


def test_the_window_holds_the_latest_records_only():
    limit = DeadLetterLimit(ratio=0.5, window=4, run=100)
    assert limit.first_past([True, True, False, False]) is None
    assert limit.first_past([False, False, True, True]) is None
    assert limit.first_past([True]) == 0


def test_good_batches_push_dead_letters_out_of_the_window():
    limit = DeadLetterLimit(ratio=0.5, window=4, run=100)
    assert limit.first_past([True, True]) is None
    for _ in range(3):
        assert limit.first_past([False, False]) is None
    assert limit.first_past([True, True]) is None


def test_a_copy_counts_on_its_own():
    limit = DeadLetterLimit(ratio=1, window=10, run=3)
    limit.first_past([True, True])
    copy = limit.copy()
    assert copy.first_past([True, True]) == 1
    assert limit.first_past([True]) is None
    assert str(limit) == "3 of the latest 3 records, 3 in a row"


def test_after_a_reset_it_counts_anew():
    limit = DeadLetterLimit(ratio=0.5, window=4, run=3)
    limit.first_past([True] * 4)
    limit.reset()
    assert str(limit) == "0 of the latest 0 records, 0 in a row"
    assert limit.first_past([True] * 3) is None


@given(
    st.lists(st.lists(st.booleans(), max_size=12), max_size=8),
    st.sampled_from([0.25, 0.5, 1.0]),
    st.integers(1, 10),
    st.integers(1, 5),
)
def test_batches_make_no_difference(batches, ratio, window, run):
    """The limit is passed at the record at which a plain recount over the whole past says so."""
    limit, past = DeadLetterLimit(ratio, window, run), []
    for batch in batches:
        found = limit.copy().first_past(batch)
        expected = next(
            (i for i in range(len(batch)) if passed([*past, *batch[: i + 1]], ratio, window, run)),
            None,
        )
        assert found == expected
        if found is not None:
            return
        limit.first_past(batch)
        past += batch


def passed(dead, ratio, window, run):
    latest = dead[-window:]
    full = len(latest) == window and sum(latest) > ratio * window
    return full or (all(dead[-run - 1 :]) and len(dead) > run)


def test_a_deploy_that_breaks_half_of_a_topic_stops_within_a_window():
    chance = random.Random(3)
    limit = DeadLetterLimit(ratio=0.5, window=1_000, run=200)
    assert limit.first_past([False] * 5_000) is None
    dead = [chance.random() < 0.6 for _ in range(5_000)]
    stopped = limit.first_past(dead)
    assert stopped is not None
    assert stopped <= 1_000
