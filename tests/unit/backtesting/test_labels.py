"""When it is known what a recorded event was."""

import pytest

from headrace.backtesting.labels import Known, Truth
from headrace.labelling.domain import Decision

DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS
SECOND_MS = 1_000


def truth_of(charter, *events: tuple[int, bool]) -> Truth:
    truth = Truth(charter)
    for row, (at_ms, is_positive) in enumerate(events):
        truth.add(row, Decision("approve", False, at_ms), is_positive=is_positive)
    return truth


def test_a_positive_is_known_after_its_source_s_delay_and_no_moment_before(small) -> None:
    truth = truth_of(small, (5, True))
    assert truth.known(WEEK_MS + 4) == []
    assert truth.known(WEEK_MS + 5) == [Known(0, True, WEEK_MS + 5)]
    assert truth.known(10 * WEEK_MS) == [], "it is told once"


def test_a_negative_is_known_when_horizon_and_lateness_are_over(small) -> None:
    truth = truth_of(small, (5, False))
    assert truth.known(WEEK_MS + SECOND_MS + 4) == []
    due_ms = WEEK_MS + SECOND_MS + 5
    assert truth.known(due_ms) == [Known(0, False, due_ms)]


def test_what_is_known_comes_in_the_order_in_which_it_became_so(small) -> None:
    truth = truth_of(small, (0, False), (1, True), (900, True), (901, False))
    assert [known.row for known in truth.known(10 * WEEK_MS)] == [1, 2, 0, 3]


@pytest.mark.parametrize("is_positive", [True, False])
def test_of_what_was_stopped_nobody_can_tell(small, is_positive) -> None:
    truth = Truth(small)
    stopped = Decision("decline", True, 0)
    truth._labelling._sources["chargeback"].__dict__["actions"] = ("approve",)
    truth.add(0, stopped, is_positive=is_positive)
    (known,) = truth.known(10 * WEEK_MS)
    assert known.value is None
