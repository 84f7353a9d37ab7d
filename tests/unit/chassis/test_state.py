"""The state and its overlays: a batch sees its own changes, nobody else does until the merge."""

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.chassis.state import Change, KeyedState
from support.counting import CountFormat


@pytest.fixture
def state():
    state = KeyedState(CountFormat())
    state.restore(change(0, "a", 5))
    return state


def change(partition, key, n, offset=0):
    return Change(partition, key, 0, offset, n.to_bytes(8))


def counts(state):
    return {(partition, key): value.n for partition, key, value in state}


def count(overlay, partition, key):
    """Do as a handler does."""
    value = overlay.get(partition, key)
    value.n += 1
    overlay.change(partition, key, 0, 0, value.n.to_bytes(8))


def test_a_key_that_was_never_seen_is_empty(state):
    assert state.overlay().get(0, "b").n == 0


def test_later_records_of_a_batch_see_the_changes_of_earlier_ones(state):
    overlay = state.overlay()
    count(overlay, 0, "a")
    count(overlay, 0, "a")
    assert overlay.get(0, "a").n == 7


def test_nothing_is_changed_before_the_merge(state):
    count(state.overlay(), 0, "a")
    assert counts(state) == {(0, "a"): 5}
    assert state.overlay().get(0, "a").n == 5


def test_the_merge_takes_what_was_changed(state):
    overlay = state.overlay()
    count(overlay, 0, "a")
    count(overlay, 1, "a")
    overlay.merge({0, 1})
    assert counts(state) == {(0, "a"): 6, (1, "a"): 1}


def test_the_merge_takes_only_the_partitions_that_were_committed(state):
    overlay = state.overlay()
    count(overlay, 0, "a")
    count(overlay, 1, "b")
    overlay.merge({1})
    assert counts(state) == {(0, "a"): 5, (1, "b"): 1}


def test_a_key_that_was_only_looked_up_leaves_no_trace(state):
    overlay = state.overlay()
    overlay.get(0, "a").n = 99
    overlay.get(0, "b")
    overlay.merge({0})
    assert counts(state) == {(0, "a"): 5}


def test_changes_are_kept_in_the_order_in_which_they_were_made(state):
    overlay = state.overlay()
    overlay.change(0, "a", 0, 7, b"first")
    overlay.change(1, "b", 3, 2, b"second")
    assert list(overlay.changes) == [
        Change(0, "a", 0, 7, b"first"),
        Change(1, "b", 3, 2, b"second"),
    ]


def test_an_overlay_above_another_sees_it_and_does_not_change_it(state):
    below = state.overlay()
    count(below, 0, "a")
    above = below.above()
    count(above, 0, "a")
    assert above.get(0, "a").n == 7
    assert below.get(0, "a").n == 6
    assert len(below.changes) == 1


def test_what_an_overlay_absorbs_is_as_if_it_had_been_done_there(state):
    below = state.overlay()
    count(below, 0, "a")
    above = below.above()
    count(above, 0, "a")
    count(above, 0, "b")
    below.absorb(above)
    below.merge({0})
    assert counts(state) == {(0, "a"): 7, (0, "b"): 1}
    assert [each.key for each in below.changes] == ["a", "a", "b"]


def test_a_dropped_partition_is_forgotten_and_the_others_stay(state):
    state.restore(change(1, "b", 2))
    state.drop(0)
    assert counts(state) == {(1, "b"): 2}
    assert len(state) == 1
    state.drop(0)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from("abc")), max_size=20),
    st.sets(st.integers(0, 2)),
)
def test_restoring_the_changes_gives_the_state_that_made_them(records, partitions):
    state, restored = KeyedState(CountFormat()), KeyedState(CountFormat())
    overlay = state.overlay()
    for partition, key in records:
        count(overlay, partition, key)
    overlay.merge(partitions)
    for each in overlay.changes:
        if each.partition in partitions:
            restored.restore(each)
    assert counts(restored) == counts(state)


def test_what_was_merged_is_not_held_by_the_batches_above_it(state):
    below = state.overlay()
    count(below, 0, "a")
    above = below.above()
    count(above, 0, "a")
    below.merge({0})
    assert above.get(0, "a").n == 7
    above.merge({0})
    assert below not in gc.get_referents(above)
