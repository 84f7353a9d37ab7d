"""A stream is quiet, then it has perhaps drifted, and then it is quiet again."""

import random

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.drift.monitor import Value
from headrace.drift.values import ValueMonitor

ALLOWED = 20_000.0
"""Values in which one false alarm is allowed."""


def monitor(*, two_sided=True, least_magnitude=0.2):
    return ValueMonitor(
        "concept/positives", two_sided=two_sided, least=20, least_magnitude=least_magnitude
    )


def values(rnd, count, mean=0.0, first=0, deviation=1.0):
    return [
        Value(rnd.gauss(mean, deviation), number, f"decision-{number}")
        for number in range(first, first + count)
    ]


def changes(watching, stream, allowed=ALLOWED):
    return [change for each in stream if (change := watching.take(each, allowed))]


def test_while_nothing_happens_it_is_quiet():
    alarms = 0
    for seed in range(10):
        alarms += len(changes(monitor(), values(random.Random(seed), 1_000)))
    assert alarms <= 1


@pytest.mark.parametrize("mean", [1.0, -1.0])
def test_a_drift_is_raised_once_and_says_since_when_how_much_and_how_sure(mean):
    rnd, watching = random.Random(4), monitor()
    assert changes(watching, values(rnd, 400)) == []
    (change,) = changes(watching, values(rnd, 60, mean, first=400))
    assert change is watching.raised
    assert change.is_raised
    assert change.reason == ""
    assert 380 <= change.began_ms <= 410
    assert change.noticed_at_ms == change.began_ms + change.observed - 1 < 440
    assert abs(change.sized.before) < 0.15
    assert change.sized.after == pytest.approx(mean, abs=0.4)
    assert change.sized.magnitude == change.sized.after - change.sized.before
    assert change.rarity >= 1
    assert change.examples == [f"decision-{change.noticed_at_ms - n}" for n in range(4, -1, -1)]


def test_where_only_large_values_are_strange_small_ones_raise_nothing():
    rnd, watching = random.Random(4), monitor(two_sided=False)
    assert changes(watching, values(rnd, 300) + values(rnd, 300, -2.0, first=300)) == []


def test_it_is_over_when_it_looks_as_before_and_can_be_raised_again():
    rnd, watching = random.Random(4), monitor()
    stream = values(rnd, 400) + values(rnd, 40, 2.0, 400) + values(rnd, 300, 0.0, 440)
    raised, cleared = changes(watching, stream)
    assert cleared.reason == "it is as before"
    assert not cleared.is_raised
    assert watching.raised is None
    assert (cleared.began_ms, cleared.rarity) == (raised.began_ms, raised.rarity)
    assert 440 < cleared.noticed_at_ms <= 470
    assert abs(cleared.sized.after) < 0.7, "as it was when that was noticed"
    again, *_ = changes(watching, values(rnd, 40, 2.0, 740))
    assert again.is_raised
    assert again.began_ms >= 735


def test_what_lasts_becomes_the_new_usual_and_coming_back_is_a_drift_then():
    rnd, watching = random.Random(4), monitor()
    stream = values(rnd, 400) + values(rnd, 500, 2.0, 400)
    raised, cleared = changes(watching, stream)
    assert cleared.reason == "what it is now has become the usual"
    assert cleared.observed == 5 * 20
    assert cleared.sized.after == pytest.approx(2, abs=0.7)
    back, *_ = changes(watching, values(rnd, 60, 0.0, 900))
    assert back.is_raised
    assert back.sized.before == pytest.approx(2, abs=0.3)
    assert back.began_ms > raised.began_ms


def test_what_goes_the_other_way_in_the_end_is_raised_as_that():
    rnd, watching = random.Random(4), monitor()
    stream = values(rnd, 400) + values(rnd, 30, 2.0, 400) + values(rnd, 60, -2.0, 430)
    *_, last = changes(watching, stream)
    assert last.is_raised
    assert last.sized.after == pytest.approx(-2, abs=0.7)


def test_what_comes_and_goes_is_told_less_and_less_often():
    rnd, watching = random.Random(4), monitor()
    stream, first = values(rnd, 400), 400
    for _ in range(20):
        stream += values(rnd, 40, 1.5, first) + values(rnd, 30, 0.0, first + 40)
        first += 70
    raised = [each for each in changes(watching, stream) if each.is_raised]
    assert 2 <= len(raised) <= 10


def test_what_comes_and_goes_ends_in_one_way_or_the_other_whenever_that_is():
    for seed in (2, 30, 45, 56):  # calm for a while just when it would become the usual
        rnd, watching = random.Random(seed), monitor()
        stream, first = values(rnd, 400), 400
        for _ in range(40):
            stream += values(rnd, 40, 1.5, first) + values(rnd, 25, 0.0, first + 40)
            first += 65
        states = [each.is_raised for each in changes(watching, stream)]
        assert states == [number % 2 == 0 for number in range(len(states))]


def test_while_a_drift_lasts_nothing_of_it_is_learned():
    rnd, watching = random.Random(4), monitor()
    changes(watching, values(rnd, 400) + values(rnd, 20, 2.0, 400))
    assert watching.raised is not None
    before = watching.usual()
    changes(watching, values(rnd, 30, 2.0, 420))
    assert watching.usual() == before


def test_a_drift_that_grows_slowly_is_raised_before_it_is_learned():
    rnd, watching = random.Random(6), monitor()
    changes(watching, values(rnd, 400))
    grows = [Value(rnd.gauss(n / 100, 1), 400 + n, "") for n in range(200)]
    raised, *_ = changes(watching, grows)
    assert raised.is_raised


def test_another_model_makes_another_stream_and_ends_a_drift():
    rnd, watching = random.Random(4), monitor()
    assert watching.start_anew() is None
    raised, *_ = changes(watching, values(rnd, 400) + values(rnd, 40, 2.0, 400))
    cleared = watching.start_anew()
    assert cleared == raised._replace(is_raised=False, reason="another model serves")
    assert (watching.raised, watching.taken) == (None, 0)
    assert changes(watching, values(rnd, 400, 2.0, 440)) == []


def test_what_matters_to_nobody_is_not_raised_however_sure_it_is():
    rnd, watching = random.Random(4), monitor(least_magnitude=0.2)
    small = values(rnd, 400, deviation=0.01) + values(rnd, 300, 0.1, 400, deviation=0.01)
    assert changes(watching, small) == []
    large = values(rnd, 30, 0.5, 700, deviation=0.01)
    assert changes(watching, large)[0].is_raised


def test_nothing_is_raised_where_nothing_is_evidence():
    watching = monitor(least_magnitude=0.0)
    assert changes(watching, [Value(1.0, n, "") for n in range(15)], allowed=1e-9) == []


def test_clumps_raise_no_more_than_what_comes_one_by_one():
    alarms = 0
    for seed in range(10):
        rnd, watching, level = random.Random(seed), monitor(), 0.0
        for number in range(1_500):
            level = 0.7 * level + rnd.gauss(0, 0.51**0.5)
            change = watching.take(Value(level, number, ""), ALLOWED)
            alarms += change is not None and change.is_raised
    assert alarms <= 4


def test_how_many_values_there_were_is_not_forgotten_with_what_was_usual():
    rnd, watching = random.Random(4), monitor()
    found = changes(watching, values(rnd, 400) + values(rnd, 400, 2.0, 400))
    assert found[-1].reason == "what it is now has become the usual"
    assert watching.taken == 800


@settings(max_examples=30)
@given(st.lists(st.integers(0, 699), max_size=4))
def test_it_goes_on_exactly_where_it_was_whenever_it_is_had_again(cuts):
    rnd = random.Random(4)
    stream = values(rnd, 300) + values(rnd, 200, 2.0, 300) + values(rnd, 200, 0.0, 500)
    whole, parts, kept, found = monitor(), monitor(), {}, []
    expected = changes(whole, stream)
    for number, each in enumerate(stream):
        if change := parts.take(each, ALLOWED):
            found.append(change)
        kept |= {slot: orjson.dumps(body, default=list) for slot, body in parts.slots().items()}
        if number in cuts:
            parts = monitor()
            parts.restore({slot: orjson.loads(body) for slot, body in kept.items()})
    assert found == expected
    assert len(expected) >= 3
    assert parts.now() | parts.usual() == whole.now() | whole.usual()
