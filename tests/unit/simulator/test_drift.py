"""A drift changes the world from its event time on, and nothing before."""

from itertools import islice

import numpy as np
import pytest

from headrace.simulator.population import ONLINE
from headrace.simulator.purchases import PATTERNS, code_of
from headrace.simulator.scenario import Drift, Scenario
from headrace.simulator.seasons import DAY_MS, HOUR_MS, SPAN_DAYS, START_MS
from headrace.simulator.ways import NEW_WAYS
from headrace.simulator.world import DEARER, World

AT_MS = START_MS + 21 * DAY_MS + 9 * HOUR_MS
EVENTS = 300_000
KINDS = ("concept", "data")


def purchases(*drifts):
    return np.concatenate(list(islice(World(Scenario(9, EVENTS, drifts)).days(), SPAN_DAYS)))


@pytest.fixture(scope="module")
def undrifted():
    return purchases()


@pytest.fixture(scope="module")
def drifted():
    return {kind: purchases(Drift(kind, AT_MS)) for kind in KINDS}


def after(world):
    return world[world["at_ms"] >= AT_MS]


def honest(world):
    return world[world["pattern"] == 0]


@pytest.mark.parametrize("kind", KINDS)
def test_before_its_event_time_nothing_is_different(undrifted, drifted, kind):
    before = [world[world["at_ms"] < AT_MS] for world in (undrifted, drifted[kind])]
    assert np.array_equal(*before)


def test_a_drift_of_the_concept_leaves_honest_customers_as_they_were(undrifted, drifted):
    medians = [np.median(after(honest(w))["amount_minor"]) for w in (undrifted, drifted["concept"])]
    assert medians[1] == pytest.approx(medians[0], rel=0.02)
    counts = [len(after(honest(world))) for world in (undrifted, drifted["concept"])]
    assert counts[1] == pytest.approx(counts[0], rel=0.02)


def test_after_a_drift_of_the_concept_thieves_have_other_ways_and_modest_amounts(drifted):
    world = after(drifted["concept"])
    for pattern in PATTERNS:
        share = (world["pattern"] == code_of(pattern)).mean()
        assert share == pytest.approx(NEW_WAYS.shares[pattern], rel=0.35), pattern
    stolen = world[world["pattern"] == code_of("stolen_card")]
    assert np.median(stolen["amount_minor"]) < 2 * np.median(honest(world)["amount_minor"])


def test_a_drift_of_the_data_makes_everything_dearer(undrifted, drifted):
    before, now = (np.median(after(w)["amount_minor"]) for w in (undrifted, drifted["data"]))
    assert now / before == pytest.approx(DEARER, rel=0.02)


def test_a_drift_of_the_data_moves_honest_purchases_online(undrifted, drifted):
    worlds = (undrifted, drifted["data"])
    before, now = ((after(honest(w))["merchant"] % ONLINE == 0).mean() for w in worlds)
    assert now - before == pytest.approx(0.19, abs=0.03)


def test_a_drift_of_the_data_leaves_the_frauds_as_many_as_they_were(undrifted, drifted):
    counts = [np.bincount(world["pattern"]).tolist()[1:] for world in (undrifted, drifted["data"])]
    assert counts[1] == pytest.approx(counts[0], rel=0.2)


def test_both_can_be_switched_on_at_times_of_their_own():
    drifts = (Drift("concept", AT_MS), Drift("data", AT_MS + DAY_MS))
    both, one = purchases(*drifts), purchases(drifts[0])
    until = AT_MS + DAY_MS
    assert np.array_equal(both[both["at_ms"] < until], one[one["at_ms"] < until])
    assert not np.array_equal(both, one)


@pytest.mark.parametrize("kind", KINDS)
def test_once_a_drift_is_over_the_world_is_as_it_would_have_been(kind, undrifted):
    until = AT_MS + DAY_MS + DAY_MS // 2
    passing = purchases(Drift(kind, AT_MS, until))
    lasted = (passing["at_ms"] >= AT_MS) & (passing["at_ms"] < until)
    would_have = (undrifted["at_ms"] >= AT_MS) & (undrifted["at_ms"] < until)
    assert np.array_equal(passing[~lasted], undrifted[~would_have])
    assert not np.array_equal(passing[lasted], undrifted[would_have])


def test_a_gradual_drift_reaches_one_card_after_the_other():
    drift = Drift("concept", AT_MS, over_ms=7 * DAY_MS)
    gradual, abrupt = purchases(drift), purchases(Drift("concept", AT_MS))
    past = AT_MS + drift.over_ms
    tomorrow = past + DAY_MS  # the day on which it ends is another one
    assert np.array_equal(*(each[each["at_ms"] >= tomorrow] for each in (gradual, abrupt)))
    frauds = [
        ((world["pattern"] > 0) & (world["at_ms"] >= AT_MS) & (world["at_ms"] < past)).sum()
        for world in (purchases(), gradual, abrupt)
    ]
    assert frauds[1] == pytest.approx((frauds[0] + frauds[2]) / 2, rel=0.15)


def test_a_drift_of_twice_the_magnitude_is_twice_as_much():
    once, twice = (after(purchases(Drift("concept", AT_MS, magnitude=m))) for m in (1.0, 2.0))
    assert (twice["pattern"] > 0).sum() == pytest.approx(2 * (once["pattern"] > 0).sum(), rel=0.1)
    dear, dearer = (after(purchases(Drift("data", AT_MS, magnitude=m))) for m in (1.0, 2.0))
    medians = [np.median(world["amount_minor"]) for world in (dear, dearer)]
    assert medians[1] / medians[0] == pytest.approx(DEARER, rel=0.02)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("concept@2026-02-01", Drift("concept", 1_769_904_000_000)),
        ("data@2026-02-01T06:00:00", Drift("data", 1_769_925_600_000)),
        ("data@2026-02-01T06:00:00+02:00", Drift("data", 1_769_918_400_000)),
        ("data@2026-02-01/2026-02-08", Drift("data", 1_769_904_000_000, 1_770_508_800_000)),
        ("concept@2026-02-01~14d", Drift("concept", 1_769_904_000_000, over_ms=14 * DAY_MS)),
        (
            "data*1.5@2026-02-01~7d/2026-02-08",
            Drift("data", 1_769_904_000_000, 1_770_508_800_000, 7 * DAY_MS, 1.5),
        ),
    ],
)
def test_a_drift_is_written_as_its_kind_and_its_event_time(text, expected):
    assert Drift.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("mood@2026-02-01", "'mood' is no drift"),
        ("concept", "isoformat"),
        ("concept@soon", "isoformat"),
        ("concept@2025-12-31", "before the world's first day"),
        ("concept@2026-02-01/", "isoformat"),
        ("concept@2026-02-01/2026-02-01", "no end of what begins at 2026-02-01"),
        ("concept@2026-02-01~soon", "a duration is a whole number and a unit"),
        ("concept*0@2026-02-01", "a magnitude is more than 0 and at most 5, not 0"),
        ("concept*much@2026-02-01", "a magnitude is more than 0 and at most 5, not much"),
        ("data@2026-02-01/2026-02-08~7d", "stand before the end"),
    ],
)
def test_anything_else_is_refused_with_what_is_wrong(text, problem):
    with pytest.raises(ValueError, match=problem):
        Drift.parse(text)


def test_worlds_that_differ_in_a_drift_have_different_names():
    drifts = [
        (),
        (Drift("concept", AT_MS),),
        (Drift("data", AT_MS),),
        (Drift("data", AT_MS + 1_000),),
        (Drift("data", AT_MS, AT_MS + 1_000),),
        (Drift("data", AT_MS, over_ms=1_000),),
        (Drift("data", AT_MS, magnitude=2.0),),
    ]
    both = (Drift("concept", AT_MS), Drift("data", AT_MS))
    names = {Scenario(9, EVENTS, each).name for each in [*drifts, both]}
    assert len(names) == 8
    assert Scenario(9, EVENTS, both).name == Scenario(9, EVENTS, both[::-1]).name
