"""Profiles: what is known of others than the stream's own key, such as a merchant.

A profile counts a field's events, and those that turned out positive, in windows (t - d - w, t - d]
of event time: each ends a delay d before the event that it is measured for, so that labels have had
time to come. An event is counted once it has been observed, a positive once its label is known.
"""

from array import array
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from pydantic import Field
from pydantic.dataclasses import dataclass

from headrace.usecase.declared import STRICT, DurationMs, Text
from headrace.usecase.feature_kinds import ProfileFeature

_SPARE = 64
"""This many times that are due may stay, so that not each event moves all that are kept."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Profile:
    """Whose events are counted."""

    key: Text
    """The field of text that tells one from the other."""
    bucket_ms: DurationMs = Field(default=3_600_000, alias="bucket", examples=["1h"])
    """A live service counts in spans of event time as long as that; windows consist of them."""
    throttle_ms: DurationMs = Field(default=60_000, alias="throttle", examples=["1m"])
    """What changes of one key is told once in so much event time, while anything comes."""

    def owner(self, name: str, record: Mapping[str, Any]) -> str | None:
        """Return for whom an event counts in the profile of that name; null is nobody."""
        key = record[self.key]
        return None if key is None else owner_of(name, key)


def owner_of(profile: str, key: str) -> str:
    """Return the name of a key of a profile."""
    return f"{profile}/{key}"


def whose(owner: str) -> tuple[str, str]:
    """Return the profile and the key that an owner is made of."""
    profile, _, key = owner.partition("/")
    return profile, key


def reaches_ms(
    declared: Mapping[str, Profile], features: Sequence[ProfileFeature], lateness_ms: int
) -> dict[str, int]:
    """Return, by profile, how long before the latest event a window may begin."""
    spans = defaultdict[str, list[int]](lambda: [0])
    for feature in features:
        spans[feature.profile].append(feature.delay_ms + feature.window_ms)
    return {name: max(spans[name]) + lateness_ms for name in declared}


class Times:
    """Event times of one key, in order, as far back as a retention."""

    __slots__ = ("_times_ms",)

    def __init__(self) -> None:
        self._times_ms = array("q")

    def __len__(self) -> int:
        return len(self._times_ms)

    def add(self, time_ms: int) -> None:
        """Take in a time; most come in order."""
        times_ms = self._times_ms
        if not times_ms or time_ms >= times_ms[-1]:
            times_ms.append(time_ms)
        else:
            insort(times_ms, time_ms)

    def count(self, after_ms: int, until_ms: int) -> int:
        """Return how many are in (after, until]."""
        end = bisect_right(self._times_ms, until_ms)
        return end - bisect_right(self._times_ms, after_ms, 0, end)

    def remove(self, time_ms: int) -> None:
        """Take one of a time out again, unless it is forgotten."""
        place = bisect_left(self._times_ms, time_ms)
        if place < len(self._times_ms) and self._times_ms[place] == time_ms:
            del self._times_ms[place]

    def forget(self, until_ms: int) -> None:
        """Forget what was until then, once it is worth while."""
        due = bisect_right(self._times_ms, until_ms)
        if due > _SPARE:
            del self._times_ms[:due]


class _Known:
    """What is known of one key."""

    __slots__ = ("events", "positives")

    def __init__(self) -> None:
        self.events = Times()
        self.positives = Times()

    def count(self, after_ms: int, until_ms: int) -> tuple[int, int]:
        """Return the events and the positives in (after, until]."""
        return (
            self.events.count(after_ms, until_ms),
            self.positives.count(after_ms, until_ms),
        )


class Profiles:
    """All profiles of a use case, and what its features measure of them.

    Parameters
    ----------
    declared
        The profiles by name.
    features
        What is measured, in order.
    time
        The field with the event time in milliseconds.
    lateness_ms
        An event no later than that finds its windows whole.
    """

    def __init__(
        self,
        declared: Mapping[str, Profile],
        features: Sequence[ProfileFeature],
        time: str,
        lateness_ms: int,
    ) -> None:
        self._time = time
        self._keys = {name: profile.key for name, profile in declared.items()}
        self._retention_ms = reaches_ms(declared, features, lateness_ms)
        self._known: dict[str, defaultdict[str, _Known]] = {
            name: defaultdict(_Known) for name in declared
        }
        self._measures = [(feature, MEASURES[feature.measure]) for feature in features]

    def measure(self, record: Mapping[str, Any]) -> list[float]:
        """Measure all features for an event, by what has been observed so far."""
        time_ms: int = record[self._time]
        measured = []
        for feature, measure in self._measures:
            key = record[self._keys[feature.profile]]
            known = self._known[feature.profile].get(key)
            until_ms = time_ms - feature.delay_ms
            after_ms = until_ms - feature.window_ms
            counted = (0, 0) if known is None else known.count(after_ms, until_ms)
            measured.append(measure(*counted))
        return measured

    def observe(self, record: Mapping[str, Any]) -> None:
        """Count an event for whom it concerns; null is nobody."""
        for name, known in self._of(record):
            known.events.add(record[self._time])
            known.events.forget(record[self._time] - self._retention_ms[name])

    def learn(self, record: Mapping[str, Any]) -> None:
        """Count an event as positive for whom it concerns: its label is known now."""
        for name, known in self._of(record):
            known.positives.add(record[self._time])
            known.positives.forget(record[self._time] - self._retention_ms[name])

    def retract(self, record: Mapping[str, Any]) -> None:
        """Count an event as positive no longer: its label was corrected."""
        for _, known in self._of(record):
            known.positives.remove(record[self._time])

    def _of(self, record: Mapping[str, Any]) -> list[tuple[str, _Known]]:
        concerned = ((name, record[field]) for name, field in self._keys.items())
        return [(name, self._known[name][key]) for name, key in concerned if key is not None]


MEASURES: Final[Mapping[str, Callable[[int, int], float]]] = {
    "count": lambda events, _: events,
    "positives": lambda _, positives: positives,
    "positive_share": lambda events, positives: min(positives / events, 1.0) if events else 0.0,
}
"""Of the events and the positives of a window. A share never passes 1, though events may have been
counted in buckets of another length than their labels, after the charter was changed."""
