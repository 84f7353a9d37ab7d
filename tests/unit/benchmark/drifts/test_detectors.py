"""Detectors behind one interface, and how those are chosen that are quiet enough."""

import random

import pytest

from headrace.benchmark.drifts.detectors import (
    OURS,
    Adwin,
    Detector,
    PageHinkley,
    RankedCusum,
    Tried,
    chosen,
    tried,
)


def values(mean_after: float) -> list[tuple[float, bool]]:
    rnd = random.Random(1)
    before = [(rnd.gauss(1.0, 0.5), False) for _ in range(2_000)]
    return before + [(rnd.gauss(mean_after, 0.5), True) for _ in range(2_000)]


@pytest.fixture(params=[(RankedCusum, 1e5), (Adwin, 0.002), (PageHinkley, 50.0)])
def detector(request) -> Detector:
    make, setting = request.param
    return make(setting)


def test_a_mean_that_grows_is_noticed_soon_and_not_before(detector) -> None:
    noticed = [n for n, (value, _) in enumerate(values(2.0)) if detector.notices(value)]
    assert 2_000 <= noticed[0] < 2_200


def test_what_becomes_better_is_no_drift_to_the_worse(detector) -> None:
    assert not any(detector.notices(value) for value, _ in values(0.0))


def test_a_delay_is_counted_in_values_of_what_has_drifted() -> None:
    strict = [each for each in tried(values(2.0)) if each.detector == OURS]
    assert [each.alarms for each in strict][-1] == 0
    took = [each.delay for each in strict if each.delay is not None]
    assert took == sorted(took), "who must be surer needs more"
    assert len(took) == len(strict)


def test_a_detector_is_as_watchful_as_its_false_alarms_allow() -> None:
    settings = [(0.3, 9), (0.1, 3), (0.01, 1), (0.002, 0)]
    stationary = [Tried("ADWIN", setting, alarms, None) for setting, alarms in settings]
    drifted = [Tried("ADWIN", 0.1, 0, 10), Tried("ADWIN", 0.01, 0, 40), Tried("ADWIN", 0.01, 0, 60)]
    adwin = [each for each in chosen(stationary, drifted, 1.5) if each.detector == "ADWIN"]
    assert adwin == [("ADWIN", 0.01, 1, [40, 60])]


def test_where_no_setting_is_quiet_enough_the_quietest_stands_with_its_alarms() -> None:
    noisy = [each._replace(alarms=5) for each in tried([])]
    assert ("ADWIN", 1e-14, 5, []) in chosen(noisy, [], 1.0)
