"""The reviewers' places: counted by day of event time, dearer as they run out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.usecase.reviews import DAY_MS, Capacity, Reviews

MIDNIGHT_MS = 19_000 * DAY_MS
days = st.integers(19_000, 19_200)


def test_places_are_counted_by_the_day_of_the_event() -> None:
    reviews = Reviews()
    for time_ms in (MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS - 1, MIDNIGHT_MS - 1):
        reviews.take(time_ms)
    taken = [reviews.taken(MIDNIGHT_MS + day * DAY_MS) for day in (-2, -1, 0, 1)]
    assert taken == [0, 1, 2, 0]


def test_a_day_that_is_long_gone_has_no_known_places() -> None:
    reviews = Reviews()
    reviews.take(MIDNIGHT_MS)
    assert reviews.taken(MIDNIGHT_MS - 64 * DAY_MS) is None
    assert not Capacity(10, 1, 0).has_place(0, None)
    assert not Capacity(10, 1, 0).is_worth(0, None, 1e9)


@given(st.lists(days, max_size=200), st.randoms())
def test_what_a_compacted_changelog_keeps_restores_the_counts_in_any_order(taken, chance) -> None:
    reviews, kept = Reviews(), {}
    for day in taken:
        if reviews.taken(day * DAY_MS) is not None:
            slot, body = reviews.take(day * DAY_MS)
            kept[slot] = body
    changes = list(kept.items())
    chance.shuffle(changes)
    restored = Reviews()
    for slot, body in changes:
        restored.restore(slot, body)
    assert restored == reviews
    assert len(kept) <= 64


def test_a_copy_is_its_own() -> None:
    reviews = Reviews()
    reviews.copy().take(MIDNIGHT_MS)
    assert reviews.taken(MIDNIGHT_MS) == 0


@given(st.integers(1, 1_000), st.integers(1, 16))
def test_partitions_share_all_places_evenly(per_day, partitions) -> None:
    capacity = Capacity(per_day, partitions, 0)
    places = [capacity.places(partition) for partition in range(partitions)]
    assert sum(places) == per_day
    assert max(places) - min(places) <= 1


@pytest.mark.parametrize(
    ("taken", "least_saving"), [(0, 0), (50, 300), (75, 900), (90, 2_700), (99, 29_700)]
)
def test_a_place_is_dearer_the_fewer_are_left(taken, least_saving) -> None:
    capacity = Capacity(100, 1, 300)
    assert capacity.is_worth(0, taken, least_saving)
    assert not capacity.is_worth(0, taken, least_saving - 1)


def test_when_all_are_taken_nothing_is_worth_a_place() -> None:
    capacity = Capacity(100, 1, 300)
    assert capacity.has_place(0, 99)
    assert not capacity.has_place(0, 100)
    assert not capacity.is_worth(0, 100, 1e18)
