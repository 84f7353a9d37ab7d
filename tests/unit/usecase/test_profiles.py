"""Profiles: what is known of a merchant in windows that end before the event."""

import random

from hypothesis import given
from hypothesis import strategies as st

from headrace.usecase.feature_kinds import ProfileFeature
from headrace.usecase.profiles import Profile, Profiles, Times

DECLARED = {"merchant": Profile(key="merchant_id"), "country": Profile(key="country")}
DAY_MS = 86_400_000


def feature(measure: str, window: str, delay: str, profile: str = "merchant") -> ProfileFeature:
    return ProfileFeature(name="it", profile=profile, measure=measure, window=window, delay=delay)


def profiles(*features: ProfileFeature) -> Profiles:
    return Profiles(DECLARED, features, "at_ms", 700)


def event(at_ms: int, merchant: str | None = "m", country: str | None = "c") -> dict:
    return {"at_ms": at_ms, "merchant_id": merchant, "country": country}


def test_a_window_ends_a_delay_before_the_event_and_is_open_at_its_beginning() -> None:
    known = profiles(feature("count", "10s", "5s"), feature("positives", "10s", "5s"))
    for at_ms in (0, 1, 5_000, 10_000, 10_001):
        known.observe(event(at_ms))
    known.learn(event(10_000))
    known.learn(event(10_001))
    assert known.measure(event(15_000)) == [3, 1]  # (0, 10,000]


def test_the_share_is_of_those_in_the_window_and_nothing_where_there_are_none() -> None:
    known = profiles(feature("positive_share", "1d", "7d"))
    assert known.measure(event(0)) == [0.0]
    for at_ms in (0, 1, 2, 3):
        known.observe(event(at_ms))
    known.learn(event(2))
    assert known.measure(event(7 * DAY_MS + 3)) == [0.25]
    assert known.measure(event(8 * DAY_MS + 3)) == [0.0]


def test_what_was_corrected_is_no_positive_any_more() -> None:
    known = profiles(feature("positives", "1d", "1s"))
    for at_ms in (1, 2, 3):
        known.learn(event(at_ms))
    known.retract(event(2))
    known.retract(event(4))
    assert known.measure(event(1_003)) == [2]
    assert known.measure(event(1_002)) == [1]


def test_each_profile_goes_by_its_own_field_and_null_is_nobody() -> None:
    known = profiles(feature("count", "1d", "1s"), feature("count", "1d", "1s", "country"))
    known.observe(event(0, merchant=None))
    known.observe(event(1, merchant="other"))
    assert known.measure(event(5_000)) == [0, 2]
    assert known.measure(event(5_000, merchant=None)) == [0, 2]
    assert known.measure(event(5_000, merchant="other", country="d")) == [1, 0]


def test_to_measure_changes_nothing() -> None:
    known = profiles(feature("count", "1d", "1s"))
    known.measure(event(0, merchant="new"))
    assert not known._known["merchant"]


@given(seed=st.integers(0, 2**32))
def test_it_counts_what_a_look_at_everything_would_count(seed) -> None:
    rnd = random.Random(seed)
    features = [
        feature(m, f"{w}s", f"{d}s") for m in ("count", "positives") for w, d in ((5, 2), (60, 9))
    ]
    known, events, positives = profiles(*features), [], []
    at_ms = 0
    for _ in range(150):
        at_ms += rnd.choice([0, 1, 500, 3_000])
        seen = event(max(0, at_ms - rnd.choice([0, 0, 0, 700])))  # some come late
        expected = [
            sum(
                seen["at_ms"] - each.delay_ms - each.window_ms < t <= seen["at_ms"] - each.delay_ms
                for t in (events if each.measure == "count" else positives)
            )
            for each in features
        ]
        assert known.measure(seen) == expected
        known.observe(seen)
        events.append(seen["at_ms"])
        if rnd.random() < 0.3:
            known.learn(seen)
            positives.append(seen["at_ms"])


def test_what_no_window_reaches_is_forgotten() -> None:
    times = Times()
    for at_ms in range(1_000):
        times.add(at_ms)
        times.forget(at_ms - 10)
    assert len(times) < 200
    assert times.count(989, 999) == 10
