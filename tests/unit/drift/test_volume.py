"""How many events there are in an hour, of what is usual at that hour of the week."""

from math import log

import orjson
import pytest

from headrace.drift.volume import HOUR_MS, Volume, hour_of_week

WEEK = 168


def usual_of(hour):
    """By day 1,000 events an hour, by night 100."""
    return 1_000 if hour % 24 >= 8 else 100


def taken(volume, hours, count=usual_of):
    return [value for hour in hours for value in volume.take(hour * HOUR_MS + 1, count(hour))]


def after(weeks):
    volume = Volume()
    taken(volume, range(weeks * WEEK))
    return volume


@pytest.mark.parametrize(
    ("at_ms", "hour"), [(0, 3 * 24), (4 * 24 * HOUR_MS, 0), (4 * 24 * HOUR_MS - 1, 167)]
)
def test_weeks_begin_on_monday(at_ms, hour):
    assert hour_of_week(at_ms) == hour


def test_an_hour_is_compared_with_the_same_hour_of_the_weeks_before_once_there_are_three():
    volume = Volume()
    assert taken(volume, range(3 * WEEK)) == []
    values = taken(volume, range(3 * WEEK, 4 * WEEK))
    assert {each.value for each in values} == {0.0}
    assert len(values) == WEEK - 3, "two are open, and the very first is never complete"
    double = taken(volume, range(4 * WEEK, 4 * WEEK + 10), lambda hour: 2 * usual_of(hour))
    assert double[-1].value == pytest.approx(log(2), abs=0.01)
    assert double[-1].at_ms == (4 * WEEK + 7) * HOUR_MS


def test_events_of_two_hours_ago_still_count_and_those_before_do_not():
    volume = after(4)
    assert taken(volume, [4 * WEEK - 1], lambda _: 300) == []
    assert taken(volume, [4 * WEEK - 9], lambda _: 10_000) == []
    value = taken(volume, [4 * WEEK + 1])[-1]
    assert value.at_ms == (4 * WEEK - 1) * HOUR_MS
    assert value.value == pytest.approx(log(1.3), abs=0.01)


def test_hours_without_events_are_told_once_there_are_some_again():
    values = taken(after(4), [4 * WEEK + 30])
    assert [each.at_ms // HOUR_MS - 4 * WEEK for each in values] == list(range(-2, 29))
    silent = [each.value for each in values[2:]]
    assert max(silent) < log(1 / 100)


def test_a_long_silence_is_told_for_a_week():
    values = taken(after(4), [40 * WEEK])
    assert len(values) == WEEK - 1
    assert values[-1].at_ms == (40 * WEEK - 2) * HOUR_MS


def test_a_silence_makes_nothing_strange_of_the_week_after():
    volume = after(4)
    taken(volume, range(4 * WEEK + 24, 5 * WEEK))  # a day without any
    values = taken(volume, range(5 * WEEK, 5 * WEEK + 24))
    assert {each.value for each in values[2:]} == {0.0}


def test_it_knows_how_many_hours_an_event_makes():
    assert after(4).hours_an_event == pytest.approx(1 / 700, rel=0.01)
    assert Volume().hours_an_event == 1


def test_it_is_the_same_when_it_is_had_again():
    volume, again = after(4), Volume()
    again.restore({slot: orjson.loads(orjson.dumps(each)) for slot, each in volume.slots().items()})
    later = range(4 * WEEK - 1, 5 * WEEK, 3)
    assert taken(again, later) == taken(volume, later) != []
    assert again.slots() == volume.slots()
