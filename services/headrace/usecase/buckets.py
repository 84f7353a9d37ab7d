"""Profiles in buckets of event time: what may be published of them, held, and measured later.

A scalar would be old as soon as time has passed. Counts by bucket stay true: each reader's window
takes those that it reaches. A bucket (s, s + b] begins at a multiple of its length b and is open at
its beginning as windows are, so a window that ends where a bucket ends is exact.
"""

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple, Self

from headrace.usecase.feature_kinds import ProfileFeature
from headrace.usecase.profiles import MEASURES, Profile, owner_of, whose


class Bucket(NamedTuple):
    """A key of a profile in one span of event time."""

    profile: str
    key: str
    start_ms: int
    """Not in it."""
    end_ms: int
    """In it."""

    @classmethod
    def of(cls, profile: str, key: str, time_ms: int, length_ms: int) -> Self:
        """Return the bucket that a time falls into."""
        start_ms = (time_ms - 1) // length_ms * length_ms
        return cls(profile, key, start_ms, start_ms + length_ms)

    @classmethod
    def parse(cls, name: str) -> Self:
        """Read a bucket's name.

        Raises
        ------
        ValueError
            It is none.
        """
        owner, start, end = name.rsplit("/", 2)
        return cls(*whose(owner), int(start), int(end))

    @property
    def length_ms(self) -> int:
        """How long it is."""
        return self.end_ms - self.start_ms

    @property
    def name(self) -> str:
        """What it is published under."""
        return f"{self.owner}/{self.start_ms}/{self.end_ms}"

    @property
    def owner(self) -> str:
        """The name of whom it is of."""
        return owner_of(self.profile, self.key)


class BucketedProfiles:
    """The counts of all profiles by bucket, and what features measure of them.

    A window is moved back to the end of a bucket, by less than a bucket: it keeps its length, and
    nothing in it is younger than its delay allows.

    Parameters
    ----------
    declared
        The profiles by name.
    features
        What is measured, in order.
    time
        The field with the event time in milliseconds.
    """

    def __init__(
        self, declared: Mapping[str, Profile], features: Sequence[ProfileFeature], time: str
    ) -> None:
        self._time = time
        self._lengths_ms = {name: profile.bucket_ms for name, profile in declared.items()}
        self._counted: dict[str, defaultdict[str, _Counted]] = {
            name: defaultdict(_Counted) for name in declared
        }
        windows = dict.fromkeys((f.profile, f.delay_ms, f.window_ms) for f in features)
        self._windows = [
            (declared[name].key, self._counted[name], declared[name].bucket_ms, delay_ms, window_ms)
            for name, delay_ms, window_ms in windows
        ]
        places = {window: place for place, window in enumerate(windows)}
        self._measures = [
            (places[f.profile, f.delay_ms, f.window_ms], MEASURES[f.measure]) for f in features
        ]

    def put(self, bucket: Bucket, events: int, positives: int) -> None:
        """Hold what is counted in a bucket by now; one that no window is made of is passed over."""
        if self._is_ours(bucket):
            self._counted[bucket.profile][bucket.key].put(bucket.start_ms, events, positives)

    def forget(self, bucket: Bucket) -> None:
        """Forget what was counted in a bucket."""
        if not self._is_ours(bucket) or bucket.key not in self._counted[bucket.profile]:
            return
        of_profile = self._counted[bucket.profile]
        of_profile[bucket.key].forget(bucket.start_ms)
        if not of_profile[bucket.key]:
            del of_profile[bucket.key]

    def measure(self, record: Mapping[str, Any]) -> list[float]:
        """Measure all features for an event."""
        time_ms, found = record[self._time], []
        for field, of_profile, length_ms, delay_ms, window_ms in self._windows:
            counted = of_profile.get(record[field])
            if counted is None:
                found.append((0, 0))
            else:
                until_ms = (time_ms - delay_ms) // length_ms * length_ms
                found.append(counted.between(until_ms - window_ms, until_ms))
        return [measure(*found[place]) for place, measure in self._measures]

    def _is_ours(self, bucket: Bucket) -> bool:
        return self._lengths_ms.get(bucket.profile) == bucket.length_ms


class _Counted:
    """The buckets of one key, in order."""

    __slots__ = ("_events", "_events_before", "_positives", "_positives_before", "_starts_ms")

    def __init__(self) -> None:
        self._starts_ms, self._events, self._positives = array("q"), array("q"), array("q")
        self._events_before: array[int] | None = None
        """Of each bucket, and of all; None where something has changed since."""
        self._positives_before = array("q")

    def __len__(self) -> int:
        return len(self._starts_ms)

    def put(self, start_ms: int, events: int, positives: int) -> None:
        """Replace what is counted in the bucket that begins there."""
        place = bisect_left(self._starts_ms, start_ms)
        self._events_before = None
        if self._begins(place, start_ms):
            self._events[place], self._positives[place] = events, positives
            return
        self._starts_ms.insert(place, start_ms)
        self._events.insert(place, events)
        self._positives.insert(place, positives)

    def forget(self, start_ms: int) -> None:
        """Forget the bucket that begins there, if there is one."""
        place = bisect_left(self._starts_ms, start_ms)
        if self._begins(place, start_ms):
            self._events_before = None
            del self._starts_ms[place], self._events[place], self._positives[place]

    def between(self, after_ms: int, until_ms: int) -> tuple[int, int]:
        """Return the events and the positives of (after, until], two multiples of the length."""
        if self._events_before is None:
            self._events_before = array("q", accumulate(self._events, initial=0))
            self._positives_before = array("q", accumulate(self._positives, initial=0))
        first = bisect_left(self._starts_ms, after_ms)
        end = bisect_left(self._starts_ms, until_ms, first)
        return (
            self._events_before[end] - self._events_before[first],
            self._positives_before[end] - self._positives_before[first],
        )

    def _begins(self, place: int, start_ms: int) -> bool:
        return place < len(self._starts_ms) and self._starts_ms[place] == start_ms
