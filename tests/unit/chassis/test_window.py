"""What of a partition is under way."""

from hypothesis import given
from hypothesis import strategies as st

from headrace.chassis.forwarding import Patience
from headrace.chassis.window import MOST, Window


def filled(*keys):
    window = Window()
    for offset, key in enumerate(keys):
        window.add(offset, key, None)
    return window


def offsets(due):
    return [each.offset for each in due]


def test_the_records_of_one_key_follow_each_other_and_others_need_not_wait():
    window = filled("a", "a", "b")
    assert offsets(window.due(0.0)) == [0, 2]
    window.postpone(0, 10.0)
    assert offsets(window.due(0.0)) == [2]
    assert offsets(window.due(10.0)) == [0, 2]
    window.finish(0)
    assert offsets(window.due(0.0)) == [1, 2]


def test_what_is_committed_is_all_before_the_first_that_is_under_way():
    window = filled("a", "b", "c")
    assert window.position().offset == 0
    window.finish(1)
    assert window.position().offset == 0
    window.finish(0)
    assert window.position().offset == 2
    window.finish(2)
    assert window.position() == (3, "[[],[]]")


def test_a_window_that_nothing_was_added_to_stands_nowhere():
    assert Window().position() is None


def test_a_restart_passes_over_what_is_done_and_goes_on_counting_tries():
    window = filled("a", "b", "c")
    window.finish(1)
    window.postpone(0, 5.0)
    window.postpone(0, 9.0)
    position = window.position()
    again = Window.restored(position.metadata)
    for offset, key in enumerate("abc"):
        again.add(offset, key, None)
        assert again.position().offset == 0
    assert offsets(again.due(0.0)) == [0, 2]
    assert again.due(0.0)[0].tries == 2


def test_an_offset_that_was_set_by_hand_has_nothing_beside_it():
    assert Window.restored("").position() is None
    assert Window.restored("something else").position() is None


def test_what_is_said_beside_an_offset_fits():
    window = Window()
    offset = 10**12
    while not window.is_full:
        window.add(offset, str(offset), None)
        if offset % 2 and offset > 10**12:
            window.finish(offset)
        else:
            window.postpone(offset, 1.0)
        offset += 1
    assert len(window.position().metadata) < 4_096
    assert offset - 10**12 == MOST


@given(st.lists(st.tuples(st.sampled_from(["finish", "postpone", "restart"]), st.integers(0, 9))))
def test_however_it_goes_nothing_is_lost_and_what_is_done_stays_done(steps):
    window, done = filled(*"abcabcabca"), set()
    for verb, offset in steps:
        pending = set(offsets(window.due(1e9)))
        if verb == "restart":
            position = window.position()
            window = Window.restored(position.metadata)
            for each in range(position.offset, 10):
                window.add(each, "abcabcabca"[each], None)
                window.position()
            if position.offset == 10:
                window.add(10, "z", None)
                window.finish(10)
        elif offset in pending and verb == "finish":
            window.finish(offset)
            done.add(offset)
        elif offset in pending:
            window.postpone(offset, 1.0)
        assert not done & set(offsets(window.due(1e9)))
        assert set(range(window.position().offset)) <= done | {10}


def test_each_wait_is_twice_as_long_as_the_one_before_up_to_five_minutes():
    patience = Patience(12, 1.0)
    assert [patience.wait_s(tries, 1.0) for tries in (1, 2, 3, 4)] == [1, 2, 4, 8]
    assert patience.wait_s(12, 1.0) == 300
    assert patience.wait_s(1, 0.0) == 0.5
