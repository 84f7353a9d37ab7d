"""Profiles in buckets: windows of whole buckets, which are exact where a bucket ends."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.usecase.buckets import Bucket, BucketedProfiles
from headrace.usecase.feature_kinds import ProfileFeature
from headrace.usecase.profiles import Profile, Profiles

HOUR_MS = 3_600_000
DECLARED = {"merchant": Profile(key="merchant_id"), "country": Profile(key="country", bucket="2h")}


def feature(measure: str, window: str, delay: str, profile: str = "merchant") -> ProfileFeature:
    return ProfileFeature(name="it", profile=profile, measure=measure, window=window, delay=delay)


FEATURES = [
    feature(measure, window, delay, profile)
    for profile, spans in (("merchant", [("1h", "1h"), ("5h", "2h")]), ("country", [("6h", "2h")]))
    for window, delay in spans
    for measure in ("count", "positives", "positive_share")
]


def event(at_ms: int, merchant: str | None = "m", country: str | None = "c") -> dict:
    return {"at_ms": at_ms, "merchant_id": merchant, "country": country}


def bucketed() -> BucketedProfiles:
    return BucketedProfiles(DECLARED, FEATURES, "at_ms")


def merchant_bucket(hour: int, key: str = "m") -> Bucket:
    return Bucket("merchant", key, hour * HOUR_MS, (hour + 1) * HOUR_MS)


@pytest.mark.parametrize(
    ("time_ms", "start_ms", "end_ms"),
    [(0, -10, 0), (1, 0, 10), (10, 0, 10), (11, 10, 20), (-10, -20, -10)],
)
def test_a_bucket_is_open_at_its_beginning_and_holds_its_end(time_ms, start_ms, end_ms) -> None:
    assert Bucket.of("p", "k", time_ms, 10) == ("p", "k", start_ms, end_ms)


@given(st.text(), st.integers(), st.integers(1))
def test_the_name_of_a_bucket_is_read_again_whatever_the_key(key, time_ms, length_ms) -> None:
    bucket = Bucket.of("merchant", key, time_ms, length_ms)
    assert Bucket.parse(bucket.name) == bucket


@pytest.mark.parametrize("name", ["", "merchant", "merchant/m", "merchant/m/1", "merchant/m/a/b"])
def test_what_is_no_name_of_a_bucket_is_an_error(name) -> None:
    with pytest.raises(ValueError, match=r"."):
        Bucket.parse(name)


@given(seed=st.integers(0, 2**32))
def test_where_buckets_end_they_measure_what_exact_profiles_do(seed) -> None:
    rnd = random.Random(seed)
    exact = Profiles(DECLARED, FEATURES, "at_ms", 100 * HOUR_MS)
    counts: dict[Bucket, list[int]] = {}
    for _ in range(200):
        seen = event(rnd.randrange(40) * HOUR_MS // 2, rnd.choice([None, "m", "n"]))
        is_positive = rnd.random() < 0.3
        exact.observe(seen)
        if is_positive:
            exact.learn(seen)
        for name, profile in DECLARED.items():
            if (key := seen[profile.key]) is not None:
                at = Bucket.of(name, key, seen["at_ms"], profile.bucket_ms)
                events, positives = counts.get(at, (0, 0))
                counts[at] = [events + 1, positives + is_positive]
    known = bucketed()
    for at in rnd.sample(sorted(counts), len(counts)):
        known.put(at, 1, 0)  # as it was before
        known.put(at, *counts[at])
    for hour in range(0, 24, 2):
        for merchant in ("m", "n", "new", None):
            asking = event(hour * HOUR_MS, merchant)
            assert known.measure(asking) == exact.measure(asking)


def test_a_window_that_ends_within_a_bucket_ends_before_it_and_is_as_long() -> None:
    known = bucketed()
    for hour in range(10):
        known.put(merchant_bucket(hour), 10**hour, 0)
    at_ms = 8 * HOUR_MS
    assert known.measure(event(at_ms))[3] == 111_110  # of (1h, 6h]
    assert known.measure(event(at_ms + HOUR_MS - 1))[3] == 111_110
    assert known.measure(event(at_ms + HOUR_MS))[3] == 1_111_100


def test_what_was_forgotten_counts_no_more() -> None:
    known = bucketed()
    known.put(merchant_bucket(0), 5, 2)
    known.put(merchant_bucket(1), 3, 1)
    asking = event(4 * HOUR_MS)
    assert known.measure(asking)[3:5] == [8, 3]
    known.forget(merchant_bucket(0))
    assert known.measure(asking)[3:5] == [3, 1]
    known.forget(merchant_bucket(0))
    known.forget(merchant_bucket(0, "never seen"))
    known.forget(merchant_bucket(1))
    assert known.measure(asking)[3:6] == [0, 0, 0.0]


def test_buckets_of_another_length_and_profiles_not_declared_are_passed_over() -> None:
    known = bucketed()
    for bucket in (Bucket("merchant", "m", 0, HOUR_MS // 2), Bucket("gone", "m", 0, HOUR_MS)):
        known.put(bucket, 7, 7)
        known.forget(bucket)
    assert known.measure(event(3 * HOUR_MS)) == [0] * 9


def test_a_share_is_never_above_one() -> None:
    known = bucketed()
    known.put(merchant_bucket(0), 1, 2)
    assert known.measure(event(2 * HOUR_MS))[2] == 1.0
