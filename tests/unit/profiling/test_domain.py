"""Profiles are counted in buckets, held for a while, and told of as they are by then."""

import json
import random
from collections import Counter
from unittest.mock import patch

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.chassis.records import Received
from headrace.chassis.state import KeyedState
from headrace.profiling.domain import Counting
from headrace.profiling.state import ProfilingFormat
from headrace.usecase.buckets import Bucket
from headrace.usecase.feature_kinds import ProfileFeature
from headrace.usecase.features import FeatureSet
from headrace.usecase.profiles import Profile, Profiles, owner_of, whose
from support.desk import charter_with, compacted, replaced

HOUR = 3_600_000
MINUTE = 60_000
START = 400_000 * HOUR
PROFILES = {
    "merchant": Profile(key="merchant_id", throttle="10m"),
    "country": Profile(key="country", bucket="2h", throttle="10m"),
}
FEATURES = [
    ProfileFeature(name=f"{profile}_{measure}", profile=profile, measure=measure, window=w, delay=d)
    for profile, w, d in (("merchant", "6h", "1h"), ("country", "4h", "2h"))
    for measure in ("count", "positives", "positive_share")
]
LATENESS = 24 * HOUR
REACH = 7 * HOUR + LATENESS


def charter_of(profiles):
    shipped = charter_with()
    events = shipped.events
    features = FeatureSet(
        FEATURES, key=events.key, time="at_ms", amount=events.amount, profiles=profiles
    )
    charter = shipped.model_copy(update={"profiles": profiles})
    charter.__dict__["feature_set"] = features
    assert events.lateness_ms == LATENESS
    return charter


def observation(at_ms, told="decided", owner="merchant/m"):
    profile, key = whose(owner)
    return {"profile": profile, "key": key, "occurred_at_ms": at_ms, "told": told}


class Service:
    """Partitions of the observations, and what has been told of them."""

    def __init__(self, profiles=PROFILES):
        self.profiles = profiles
        self.state = KeyedState(ProfilingFormat())
        self.offsets = Counter()
        self.changes, self.rejected, self.told = [], [], []
        self.published = {}
        self.counting = self._new()

    def _new(self):
        return Counting(charter_of(self.profiles), orjson.dumps)

    def restart(self, profiles=None, partitions=(0, 1)):
        """Go on from what a compacted changelog keeps, perhaps with another charter."""
        self.profiles = profiles or self.profiles
        self.state = KeyedState(ProfilingFormat())
        for change in compacted(self.changes):
            if change.partition in partitions:
                self.state.restore(change)
        self.settle(partitions)

    def settle(self, partitions=(0, 1)):
        self.counting = self._new()
        assert self.counting.settle(self.state, dict.fromkeys(partitions, (0,)), lambda: True)

    def count(self, *records, partition=0, is_committed=True):
        received = [self._received(partition, each) for each in records]
        overlay = self.state.overlay()
        counted = self.counting.count(received, overlay)
        if is_committed:
            overlay.merge({partition})
            self.changes += overlay.changes
            self._publish(counted)
        return counted

    def idle(self):
        overlay = self.state.overlay()
        counted = self.counting.tell_all(overlay)
        assert not overlay.changes
        self._publish(counted)
        return counted

    def _received(self, partition, record):
        self.offsets[partition] += 1
        key = owner_of(record["profile"], record["key"])
        return Received(partition, self.offsets[partition] - 1, key, b"", record, -1)

    def _publish(self, counted):
        self.rejected += counted.rejected
        for name, value in zip(counted.names, counted.values, strict=True):
            self.told.append(name)
            if value is None:
                self.published.pop(name, None)
            else:
                self.published[name] = json.loads(value)

    def counts(self):
        return {name: (each.events, each.positives) for _, name, each in self.state}

    def published_counts(self):
        return {name: (each["events"], each["positives"]) for name, each in self.published.items()}


@pytest.fixture
def service():
    return Service()


def name_of(at_ms, owner="merchant/m"):
    profile, key = whose(owner)
    return Bucket.of(profile, key, at_ms, PROFILES[profile].bucket_ms).name


def recounted(records):
    """All buckets of some observations, naively."""
    counts = {}
    for each in records:
        length_ms = PROFILES[each["profile"]].bucket_ms
        bucket = Bucket.of(each["profile"], each["key"], each["occurred_at_ms"], length_ms)
        events, positives = counts.get(bucket.name, (0, 0))
        more = {"decided": (1, 0), "positive": (0, 1), "retracted": (0, -1)}[each["told"]]
        counts[bucket.name] = (events + more[0], positives + more[1])
    return counts


def observed(rnd, number):
    """What events of some hours come to, corrections included, in any order."""
    records = []
    for _ in range(number):
        at_ms = START + rnd.randrange(12 * HOUR)
        owner = rnd.choice(["merchant/m", "merchant/n", "country/m", "country/a/b"])
        records.append(observation(at_ms, "decided", owner))
        if rnd.random() < 0.5:
            records.append(observation(at_ms, "positive", owner))
            if rnd.random() < 0.5:
                records.append(observation(at_ms, "retracted", owner))
    rnd.shuffle(records)
    return records


@given(seed=st.integers(0, 2**32))
def test_whatever_the_order_and_the_restarts_all_is_counted_and_told_in_the_end(seed):
    rnd, service = random.Random(seed), Service()
    most = rnd.choice([1, 5_000])
    with patch("headrace.profiling.domain.MOST", most):
        _count_all(rnd, service)


def _count_all(rnd, service):
    records = observed(rnd, 60)
    rest = list(records)
    while rest:
        batch = [rest.pop() for _ in range(min(len(rest), rnd.randrange(1, 12)))]
        for partition in (0, 1):
            mine = [each for each in batch if (each["key"] == "m") == partition]
            if rnd.random() < 0.2:  # its transaction fails
                before = Counter(service.offsets)
                service.count(*mine, partition=partition, is_committed=False)
                service.offsets = before
                service.settle()
            service.count(*mine, partition=partition)
        if rnd.random() < 0.2:
            throttle = rnd.choice(["1s", "10m", "5h"])
            service.restart(
                {
                    "merchant": Profile(key="merchant_id", throttle=throttle),
                    "country": Profile(key="country", bucket="2h", throttle=throttle),
                }
            )
        if rnd.random() < 0.2:
            service.idle()
    expected = recounted(records)
    assert service.counts() == expected
    while service.idle().names:
        pass
    assert service.published_counts() == expected


def test_they_measure_what_exact_profiles_do_where_buckets_end():
    rnd, service = random.Random(7), Service()
    exact = Profiles(PROFILES, FEATURES, "at_ms", LATENESS)
    for _ in range(300):
        event = {
            "at_ms": START + rnd.randrange(24 * HOUR),
            "merchant_id": rnd.choice(["m", "n"]),
            "country": rnd.choice([None, "m"]),
        }
        owners = [profile.owner(name, event) for name, profile in PROFILES.items()]
        told = ["decided", "positive"] if rnd.random() < 0.3 else ["decided"]
        exact.observe(event)
        if len(told) == 2:
            exact.learn(event)
        service.count(*[observation(event["at_ms"], t, o) for o in owners if o for t in told])
    service.idle()
    live = charter_of(PROFILES).feature_set.new_bucketed_profiles()
    for name, each in service.published.items():
        live.put(Bucket.parse(name), each["events"], each["positives"])
    for hour in range(0, 30, 2):
        for merchant in ("m", "n", "new"):
            asking = {"at_ms": START + hour * HOUR, "merchant_id": merchant, "country": "m"}
            assert live.measure(asking) == exact.measure(asking)


def test_what_changes_is_told_once_for_as_long_as_the_throttle_and_all_of_it(service):
    for minute in range(35):
        service.count(observation(START + 1 + minute * MINUTE))
    assert service.told == [name_of(START + 1)] * 3
    assert service.published_counts() == {name_of(START + 1): (33, 0)}  # at minutes 10, 21, 32


def test_without_a_throttle_each_batch_tells_of_each_bucket_once():
    # A charter may declare no less than a second, which batches of one moment are not apart.
    service = Service({"merchant": Profile(key="merchant_id", throttle="1s")})
    service.count(*[observation(START + 1)] * 5)
    assert service.told == []
    service.count(*[observation(START + 1_001)] * 5)
    assert service.published_counts() == {name_of(START + 1): (10, 0)}
    assert len(service.told) == 1


def test_an_idle_owner_is_told_of_as_others_move_the_time_on_whatever_their_partition(service):
    service.count(observation(START + 1), partition=0)
    service.count(observation(START + 1 + 10 * MINUTE - 1, owner="merchant/other"), partition=1)
    assert service.told == []
    service.count(observation(START + 1 + 10 * MINUTE, owner="merchant/other"), partition=1)
    assert service.told == [name_of(START + 1)]


def test_what_is_held_is_told_as_soon_as_nothing_comes_and_then_nothing_more(service):
    service.count(observation(START + 1), observation(START + 1, "positive"))
    assert service.published == {}
    service.idle()
    assert service.published_counts() == {name_of(START + 1): (1, 1)}
    assert service.idle().names == []


def test_much_that_is_held_is_told_a_part_at_a_time(service, monkeypatch):
    monkeypatch.setattr("headrace.profiling.domain.MOST", 4)
    service.count(*[observation(START + 1, owner=f"merchant/{n}") for n in range(10)])
    assert [len(service.idle().names) for _ in range(4)] == [4, 4, 2, 0]
    assert service.published_counts() == service.counts()


def test_what_is_due_and_too_much_at_once_is_told_after_a_restart_too(service, monkeypatch):
    monkeypatch.setattr("headrace.profiling.domain.MOST", 4)
    service.count(*[observation(START + 1, owner=f"merchant/{n}") for n in range(10)])
    service.count(observation(START + HOUR, owner="merchant/far"))
    assert len(service.published) == 4
    service.restart()
    while service.idle().names:
        pass
    assert service.published_counts() == service.counts()


def test_what_is_held_is_told_of_by_whoever_takes_the_partition_over(service):
    service.count(observation(START + 1), partition=0)
    service.count(observation(START + HOUR, owner="merchant/far"), partition=1, is_committed=False)
    service.restart(partitions=(0,))
    service.idle()
    assert service.published_counts() == {name_of(START + 1): (1, 0)}


def test_after_a_restart_only_what_may_not_have_been_told_is_told_again(service):
    for hour in range(5):
        service.count(observation(START + 1 + hour * HOUR))
    service.idle()
    service.told.clear()
    service.restart()
    service.idle()
    assert service.told == [name_of(START + 1 + 4 * HOUR)]


def test_an_owner_is_told_of_as_soon_as_the_first_of_its_buckets_is_due_after_a_restart_too(
    service,
):
    service.count(observation(START))
    service.idle()
    service.count(observation(START + 1))
    service.count(observation(START), observation(START + 5 * MINUTE, owner="merchant/n"))
    service.restart()  # the bucket that it finds first is due later
    service.count(observation(START + 1 + 10 * MINUTE, owner="merchant/n"))
    assert service.published_counts() == {name_of(START): (2, 0), name_of(START + 1): (1, 0)}


def test_a_shorter_throttle_leaves_nothing_untold_that_a_longer_one_held(service):
    service.count(observation(START + 1))
    service.count(observation(START + 5 * MINUTE, owner="merchant/n"))
    service.restart({"merchant": Profile(key="merchant_id", throttle="1s")})
    service.idle()
    assert set(service.published) == {name_of(START + 1), name_of(START + 1, "merchant/n")}


def test_what_no_window_reaches_is_forgotten_and_taken_away_from_the_readers(service):
    service.count(observation(START + 1), observation(START + 1 + HOUR))
    service.idle()
    last = START + REACH + HOUR
    service.count(observation(last + 1))
    assert len(service.counts()) == 3  # (START + HOUR, ...] may still be asked for, and that before
    service.count(observation(last + 1 + HOUR))
    assert name_of(START + 1) not in service.counts()
    service.idle()
    assert set(service.published) == set(service.counts())
    service.restart()
    assert set(service.published) == set(service.counts())


def test_a_jump_in_time_forgets_all_that_it_leaves_behind_a_part_at_a_time(service, monkeypatch):
    for hour in range(20):
        owners = ("merchant/m", "merchant/n", "country/m")
        service.count(*[observation(START + hour * HOUR + 1, owner=each) for each in owners])
    monkeypatch.setattr("headrace.profiling.domain.MOST", 7)
    late = START + 1_000 * HOUR
    for step in range(1, 8):
        service.count(observation(late), observation(late, owner="country/m"))
        assert len(service.counts()) == 50 + 2 - 7 * step
    service.count(observation(late))
    service.idle()
    expected = {name_of(late), name_of(late, "country/m")}
    assert set(service.counts()) == set(service.published) == expected


def test_the_longest_window_of_the_latest_event_that_comes_in_time_is_whole(service):
    for hour in range(60):
        service.count(observation(START + hour * HOUR + 1))
    newest_ms = START + 59 * HOUR + 1
    late = newest_ms - LATENESS
    until = (late - HOUR) // HOUR * HOUR
    for hour in range(6):
        assert name_of(until - hour * HOUR) in service.counts()


def test_what_is_held_is_not_told_once_it_is_forgotten(service):
    service.count(observation(START + 1), partition=0)
    service.count(observation(START + 100 * HOUR, owner="merchant/n"), partition=0)
    assert name_of(START + 1) not in service.published
    assert service.told[0] == name_of(START + 1)  # a tombstone
    service.idle()
    assert set(service.published) == set(service.counts())


def test_what_comes_too_late_is_passed_over_and_counted(service):
    service.count(observation(START + 100 * HOUR))
    counted = service.count(observation(START), observation(START, owner="gone/m"))
    assert counted.counts == {"observations_passed_over": 2}
    assert len(service.counts()) == 1


def test_buckets_of_a_length_that_is_declared_no_more_are_forgotten(service):
    service.count(observation(START + 1), observation(START + 1, owner="country/m"))
    service.idle()
    service.restart({"merchant": Profile(key="merchant_id", bucket="30m", throttle="10m")})
    service.count(observation(START + 2))
    service.idle()
    (name,) = service.counts()
    assert set(service.published) == {name}
    assert Bucket.parse(name).length_ms == HOUR // 2


def test_a_positive_that_was_never_counted_is_not_taken_back(service):
    service.count(observation(START + 1), observation(START + 1, "retracted"))
    service.idle()
    assert service.published_counts() == {name_of(START + 1): (1, 0)}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [({"told": "guessed"}, "invalid_value"), ({}, "key_mismatch")],
)
def test_what_is_no_observation_is_rejected(service, fields, reason):
    record = {**observation(START), **fields}
    received = service._received(0, record)
    if not fields:
        received = replaced(received, key="merchant/another")
    counted = service.counting.count([received], service.state.overlay())
    assert [each.reason for each in counted.rejected] == [reason]


def test_where_telling_fails_it_is_told_the_next_time(service):
    service.count(observation(START + 1))
    encode, service.counting._encode = service.counting._encode, None
    with pytest.raises(TypeError):
        service.count(observation(START + HOUR, owner="merchant/n"), is_committed=False)
    service.counting._encode = encode
    service.count(observation(START + HOUR, owner="merchant/n"))
    assert name_of(START + 1) in service.published
