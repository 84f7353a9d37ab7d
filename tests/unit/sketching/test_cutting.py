"""Where records are cut into pieces."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.sketching.cutting import UNKNOWN, cut, hours_of_week

HOUR_MS = 3_600_000
MONDAY_MS = 4 * 24 * HOUR_MS  # 1970-01-05
UNTIL_MS = 10_000 * HOUR_MS


def pieces(times_ms, kinds=None, came_ms=None, few=1):
    came_ms = came_ms or [7] * len(times_ms)
    return cut(np.array(times_ms, np.int64), came_ms, UNTIL_MS, kinds, few)


def at(*hours):
    return [MONDAY_MS + hour * HOUR_MS for hour in hours]


def spans(found):
    return [(each.rows.start, each.rows.stop, each.hour) for each in found]


@pytest.mark.parametrize(
    ("at_ms", "hour"),
    [
        (0, 72),  # a Thursday
        (MONDAY_MS, 0),
        (MONDAY_MS - 1, 167),
        (MONDAY_MS + HOUR_MS, 1),
        (1_750_000_000_000, 6 * 24 + 15),  # Sunday 2025-06-15, 15:06 UTC
    ],
)
def test_the_week_begins_on_monday_at_midnight(at_ms, hour):
    assert hours_of_week(np.array([at_ms])).tolist() == [hour]


def test_a_new_hour_begins_a_new_piece_which_tells_its_earliest_and_latest():
    times_ms = [MONDAY_MS + 5, MONDAY_MS + 3, MONDAY_MS + HOUR_MS, MONDAY_MS]
    found = pieces(times_ms)
    assert spans(found) == [(0, 2, 0), (2, 3, 1), (3, 4, 0)]
    assert (found[0].start_ms, found[0].end_ms) == (MONDAY_MS + 3, MONDAY_MS + 5)


def test_the_same_hour_of_another_kind_is_another_piece():
    assert spans(pieces([MONDAY_MS] * 4, [0, 0, 1, 0])) == [(0, 2, 0), (2, 3, 0), (3, 4, 0)]


def test_no_piece_is_larger_than_five_hundred():
    assert spans(pieces([MONDAY_MS] * 1_001)) == [(0, 500, 0), (500, 1_000, 0), (1_000, 1_001, 0)]


@pytest.mark.parametrize("absurd_ms", [UNKNOWN, -62_135_596_800_000, UNTIL_MS + 1, 2**63 - 1])
def test_what_has_no_time_that_can_be_true_goes_with_its_neighbours(absurd_ms):
    later_ms = MONDAY_MS + HOUR_MS
    found = pieces([absurd_ms, MONDAY_MS, absurd_ms, later_ms, absurd_ms])
    assert spans(found) == [(0, 3, 0), (3, 5, 1)]
    assert (found[0].start_ms, found[0].end_ms) == (MONDAY_MS, MONDAY_MS)


@pytest.mark.parametrize("absurd_ms", [UNKNOWN, -(2**63), 2**63 - 1])
def test_where_no_time_is_known_nobody_knows_the_hour_and_it_is_told_when_they_came(absurd_ms):
    (found,) = pieces([absurd_ms] * 3, came_ms=[20, 10, -1])
    assert (found.hour, found.start_ms, found.end_ms) == (UNKNOWN, 0, 20)


def test_what_is_of_no_known_kind_goes_with_its_neighbours():
    kinds = [UNKNOWN, 0, UNKNOWN, 1]
    assert spans(pieces([MONDAY_MS] * 4, kinds)) == [(0, 3, 0), (3, 4, 0)]


def test_hours_of_few_records_go_together_until_they_are_enough():
    found = pieces(at(0, 1, 1, 2, 3, 3, 4), few=3)
    assert spans(found) == [(0, 3, 0), (3, 6, 2), (6, 7, 4)]
    assert (found[0].start_ms, found[0].end_ms) == (MONDAY_MS, MONDAY_MS + HOUR_MS)


def test_an_hour_of_many_takes_no_few_of_its_neighbours_with_it():
    assert spans(pieces(at(0, 1, 1, 1, 2, 3), few=3)) == [(0, 1, 0), (1, 4, 1), (4, 6, 2)]
    late = at(*[5] * 9, 0, *[5] * 9)
    assert spans(pieces(late, few=8)) == [(0, 9, 5), (9, 10, 0), (10, 19, 5)]


def test_hours_of_two_quarters_of_a_day_never_go_together():
    found = pieces(at(4, 5, 6, 12, 167, 4 + 168, 5 + 2 * 168), few=9)
    assert spans(found) == [(0, 2, 4), (2, 3, 6), (3, 4, 12), (4, 5, 167), (5, 6, 4), (6, 7, 5)]


def test_nor_do_two_kinds():
    assert spans(pieces(at(0, 1, 2), [0, 1, 1], few=9)) == [(0, 1, 0), (1, 3, 1)]


def test_a_piece_is_of_an_hour_in_which_something_happened_in_it():
    found = pieces([*at(0, 0), UNKNOWN, *at(1, 1)], [0, 0, 1, 1, 1], few=9)
    assert spans(found) == [(0, 2, 0), (2, 5, 1)]


@given(
    few=st.integers(1, 9),
    rows=st.lists(
        st.tuples(
            st.integers(-(2**63), 2**63 - 1) | st.integers(0, 5 * HOUR_MS),
            st.integers(UNKNOWN, 2),
        ),
        min_size=1,
        max_size=50,
    ),
)
def test_pieces_are_all_records_in_their_order(rows, few):
    found = pieces(*map(list, zip(*rows, strict=True)), few=few)
    assert found[0].rows.start == 0
    assert found[-1].rows.stop == len(rows)
    for one, next_one in pairwise(found):
        assert one.rows.stop == next_one.rows.start
    for piece in found:
        own = rows[piece.rows]
        assert len({kind for _, kind in own} - {UNKNOWN}) <= 1
        assert 0 <= piece.start_ms <= piece.end_ms <= UNTIL_MS
        known = [at_ms for at_ms, _ in own if 0 <= at_ms <= UNTIL_MS]
        hours = hours_of_week(np.array(known, np.int64)).tolist()
        assert piece.hour == next(iter(hours), UNKNOWN)
        if few <= len(own):
            assert len(set(hours)) <= 1 or len(own) < 2 * few
