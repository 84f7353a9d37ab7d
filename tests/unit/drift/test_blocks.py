"""Blocks of records beside those of the same hours before."""

import math

import numpy as np
import orjson
import pytest

from headrace.drift.blocks import HOURS, RECORDS, BlockMonitor, Tally
from headrace.drift.monitor import Value

ALLOWED = 2_000.0
"""Blocks in which one false alarm is allowed."""
NIGHT = (0.6, 0.3, 0.1)
DAY = (0.1, 0.3, 0.6)


def monitor(**more):
    return BlockMonitor("input/amount", least_magnitude=0.05, **more)


def tally(rng, number, shares=NIGHT, hour=0, first_bin=5):
    counts = rng.multinomial(RECORDS, shares)
    bins = [first_bin + n for n in range(len(shares))]
    total = float(np.dot(bins, counts))
    return Tally(hour, number, bins, counts.tolist(), total, f"decision-{number}")


def changes(watching, tallies):
    return [change for each in tallies if (change := watching.tally(each, ALLOWED))]


def index(observed, expected):
    """The population stability index as textbooks have it; half a record is added to each group."""
    observed = [each + 0.5 for each in observed]
    expected = [each + 0.5 for each in expected]
    a = [each / sum(observed) for each in observed]
    b = [each / sum(expected) for each in expected]
    return sum((x - y) * math.log(x / y) for x, y in zip(a, b, strict=True))


def test_a_block_is_measured_by_the_population_stability_index():
    watching, counts = monitor(), [250, 150, 100]
    changes(watching, [Tally(-1, 1, [5, 6, 7], counts, 0.0)] * 20)
    strange = [100, 150, 200, 50]  # the last is of a bin that was never there
    groups = [0, *strange]
    usual = [each * 20 for each in (0, *counts, 0)]
    share = [(each + 0.5) / (sum(usual) + 2.5) for each in usual]
    drawn = [(n + 50 * s) / (sum(usual) + 50) for n, s in zip(usual, share, strict=True)]
    expected = index(groups, [each * 500 for each in drawn])
    sized = watching.size([Value(0.0, 1, "", [[-1], [groups], 3_000.0])])
    assert sized.magnitude == pytest.approx(expected, rel=1e-9)
    assert sized.after == 6.0


def test_a_block_has_records_enough_however_few_come_at_once():
    watching = monitor()
    for number in range(2 * RECORDS - 1):
        watching.tally(Tally(3, number, [number % 7], [1]), ALLOWED)
    assert watching.usual()["blocks"] == 1
    watching.tally(Tally(3, 1_000, [0], [1]), ALLOWED)
    assert watching.usual()["blocks"] == 2


def test_while_nothing_happens_it_is_quiet():
    alarms = 0
    for seed in range(5):
        rng = np.random.default_rng(seed)
        alarms += len(changes(monitor(), (tally(rng, number) for number in range(400))))
    assert alarms <= 1


def test_a_distribution_that_shifts_is_raised_and_says_how_much_and_cleared_when_it_is_over():
    rng, watching = np.random.default_rng(1), monitor()
    assert changes(watching, (tally(rng, number) for number in range(300))) == []
    (raised,) = changes(watching, (tally(rng, 300 + n, (0.4, 0.3, 0.3)) for n in range(15)))
    assert raised.is_raised
    assert raised.began_ms >= 298
    assert raised.sized.before == pytest.approx(5.5, abs=0.05)
    assert raised.sized.after == pytest.approx(5.9, abs=0.15)
    assert 0.1 < raised.sized.magnitude < 0.5
    assert raised.examples[-1] == f"decision-{raised.noticed_at_ms}"
    (cleared,) = changes(watching, (tally(rng, 315 + n) for n in range(60)))
    assert cleared.reason == "it is as before"
    assert cleared.sized.magnitude < 0.05


def test_what_lasts_becomes_the_usual_with_groups_of_its_own():
    rng, watching = np.random.default_rng(1), monitor()
    changes(watching, (tally(rng, number) for number in range(300)))
    far = [tally(rng, 300 + n, first_bin=40) for n in range(150)]
    raised, cleared = changes(watching, far)
    assert raised.is_raised
    assert cleared.reason == "what it is now has become the usual"
    assert watching.usual()["edges"] == [39, 40, 41, 42]


def test_a_value_never_seen_is_in_a_group_of_its_own():
    watching = monitor()
    always = [Tally(0, number, [1], [RECORDS]) for number in range(200)]
    assert changes(watching, always) == []
    seen = [Tally(0, 200 + n, [0, 1], [60, RECORDS - 60]) for n in range(10)]
    assert changes(watching, seen)[0].is_raised


def by_hour(rng, number, *, swapped=False):
    hour = number % HOURS
    is_night = (hour % 24 < 8) != swapped
    return tally(rng, number, NIGHT if is_night else DAY, hour)


def test_nights_are_compared_with_nights():
    rng, watching = np.random.default_rng(2), monitor()
    weeks = [by_hour(rng, number) for number in range(6 * HOURS)]
    assert [each for each in changes(watching, weeks) if each.noticed_at_ms > 2 * HOURS] == []
    swapped = [by_hour(rng, 6 * HOURS + n, swapped=True) for n in range(24)]
    assert changes(watching, swapped)[0].is_raised


def test_while_windows_fill_nothing_is_usual():
    rng, watching = np.random.default_rng(2), monitor(warm_up_ms=100)
    filling = [tally(rng, 1_000 + n, first_bin=n) for n in range(100)]
    assert changes(watching, filling) == []
    assert watching.usual()["blocks"] == 0
    watching.tally(tally(rng, 1_100), ALLOWED)
    assert watching.usual()["blocks"] == 1


def test_another_stream_has_other_groups_and_begins_with_a_whole_block():
    rng, watching = np.random.default_rng(2), monitor()
    changes(watching, (tally(rng, number) for number in range(50)))
    watching.tally(Tally(0, 50, [5], [RECORDS - 1]), ALLOWED)
    watching.start_anew()
    watching.tally(Tally(0, 51, [80], [1]), ALLOWED)
    assert watching.usual()["blocks"] == 0
    assert watching.now()["records"] == 1


def test_groups_are_tenths_of_the_first_block():
    watching = monitor()
    watching.tally(Tally(0, 1, list(range(100)), [5] * 100), ALLOWED)
    edges = watching.usual()["edges"]
    assert edges == [-1, 9, 19, 29, 39, 49, 59, 69, 79, 89, 99]
    assert np.sum(watching.usual()["usual"], 0).tolist() == [0, *[50] * 10, 0]


def test_it_is_the_same_when_it_is_had_again():
    rng, watching = np.random.default_rng(1), monitor(warm_up_ms=10)
    changes(watching, (tally(rng, 1 + number) for number in range(160)))
    watching.tally(Tally(4, 170, [6, 200], [30, 2], 9.5), ALLOWED)
    again = monitor(warm_up_ms=10)
    again.restore(
        {
            slot: orjson.loads(orjson.dumps(body, default=list))
            for slot, body in watching.slots().items()
        }
    )
    later = [tally(rng, 200 + n, DAY) for n in range(150)]
    assert changes(again, later) == changes(watching, later) != []
    assert again.now() | again.usual() == watching.now() | watching.usual()
