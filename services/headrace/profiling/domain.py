"""Counting what is observed of others than the charter's key; no Kafka, no clock.

Event time alone decides what is held and what is forgotten. What is counted does not depend on the
order in which it came, as long as it came before it was forgotten.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from headrace.chassis.metrics import CountName
from headrace.chassis.records import Received, Rejected
from headrace.chassis.restore import Offsets
from headrace.chassis.state import KeyedState, View
from headrace.contracts.reasons import DeadLetterReason
from headrace.contracts.records import ProfileChanged
from headrace.profiling.ages import Ages, Kind
from headrace.profiling.held import ALWAYS_MS, NEVER_MS, Held, Owner
from headrace.profiling.state import SLOT, Counts
from headrace.usecase.buckets import Bucket
from headrace.usecase.charter import Charter
from headrace.usecase.profiles import owner_of

_ADDED: Final[Mapping[str, tuple[int, int]]] = {
    "decided": (1, 0),
    "positive": (0, 1),
    "retracted": (0, -1),
}
"""By what is told, how many events and positives more there are."""
_LOOK_EVERY: Final = 10_000
MOST: Final = 5_000
"""About so many buckets are told of, and forgotten, at once at most, so that a transaction stays
small; but for a batch that adds so many itself, of which no more must come than go."""


@dataclass(slots=True)
class Counted:
    """What came of a batch."""

    names: list[str] = field(default_factory=list)
    """Of the buckets that are told of."""
    values: list[bytes | None] = field(default_factory=list)
    """What is told, encoded; None of what is forgotten."""
    rejected: list[Rejected] = field(default_factory=list)
    counts: Counter[CountName] = field(default_factory=Counter)


@dataclass(slots=True)
class _Change:
    """What a batch adds to a bucket."""

    bucket: Bucket
    offset: int = -1
    events: int = 0
    positives: int = 0


class Counting:
    """Counts what is observed, and says what is to be told (a ``Companion`` of the stream).

    Parameters
    ----------
    charter
        Its profiles, and how far windows reach.
    encode
        Encodes a ``ProfileChanged``.
    """

    def __init__(self, charter: Charter, encode: Callable[[ProfileChanged], bytes]) -> None:
        self._profiles = charter.profiles
        reaches_ms = charter.feature_set.profile_reaches_ms(charter.events.lateness_ms)
        # Windows end where a bucket ends, so they begin up to a bucket earlier.
        self._kept_ms = {
            Kind(name, profile.bucket_ms): reaches_ms[name] + profile.bucket_ms
            for name, profile in charter.profiles.items()
        }
        self._encode = encode
        self._held = Held()
        self._ages: dict[int, Ages] = {}

    def count(self, received: Sequence[Received], view: View[Counts]) -> Counted:
        """Take in observations; tell of what is due."""
        counted = Counted()
        changes = self._changes(received, counted)
        for (partition, name), change in changes.items():
            self._apply(partition, name, change, view)
        last = {each.partition: each.offset for each in received}
        most = max(MOST, 2 * len(received))
        over = {partition: self._ages_of(partition).over(most) for partition in last}
        gone = {(p, name) for p, spans in over.items() for span in spans for name in span.names}
        with self._held.due(self._held.now_ms, most) as due:
            self._tell([each for each in due if each not in gone], view, counted)
        for (partition, name), change in changes.items():
            counts = view.get(partition, name)
            counts.told_ms = self._held.told_ms
            view.change(partition, name, SLOT, change.offset, counts.body())
        for partition, name in sorted(gone):
            view.forget(partition, name, (SLOT,), last[partition])
            counted.names.append(name)
            counted.values.append(None)
        for partition, spans in over.items():  # last: where anything fails, they are still there
            for span in spans:
                self._ages_of(partition).forget(span)
        return counted

    def tell_all(self, view: View[Counts]) -> Counted:
        """Tell of what is held, as nothing comes."""
        counted = Counted()
        with self._held.due(ALWAYS_MS, MOST) as due:
            self._tell(due, view, counted)
        return counted

    def settle(
        self, state: KeyedState[Any], committed: Mapping[int, Offsets], go_on: Callable[[], bool]
    ) -> bool:
        """Find again in the state what is held and what is to be forgotten.

        What was not due by the time until which the partition is known to have told all, may not
        have been told.
        """
        self._held, self._ages = Held(), {}
        for partition in committed:
            values: dict[str, Counts] = state.of(partition)
            told_ms = max((each.told_ms for each in values.values()), default=NEVER_MS)
            self._held.now_ms = max(self._held.now_ms, told_ms)
            for number, (name, counts) in enumerate(values.items()):
                if number % _LOOK_EVERY == 0 and not go_on():
                    return False
                bucket = Bucket.parse(name)
                self._ages_of(partition).add(bucket, name)
                if counts.due_ms is not None and counts.due_ms > told_ms:
                    self._held.hold(Owner(partition, bucket.owner), name, counts.due_ms)
        return True

    def _changes(
        self, received: Sequence[Received], counted: Counted
    ) -> dict[tuple[int, str], _Change]:
        """Add up what is observed, by partition and bucket; move event time on."""
        changes: dict[tuple[int, str], _Change] = {}
        for each in received:
            if (fault := _fault(each)) is not None:
                counted.rejected.append(Rejected(each, *fault))
                continue
            record = each.record
            profile = self._profiles.get(record["profile"])
            if profile is None:  # it was declared when the event was decided
                counted.counts["observations_passed_over"] += 1
                continue
            time_ms = record["occurred_at_ms"]
            self._held.now_ms = max(self._held.now_ms, time_ms)
            bucket = Bucket.of(record["profile"], record["key"], time_ms, profile.bucket_ms)
            if self._ages_of(each.partition).is_over(bucket):
                counted.counts["observations_passed_over"] += 1
                continue
            change = changes.setdefault((each.partition, bucket.name), _Change(bucket))
            events, positives = _ADDED[record["told"]]
            change.offset = each.offset
            change.events += events
            change.positives += positives
        return changes

    def _apply(self, partition: int, name: str, change: _Change, view: View[Counts]) -> None:
        bucket, counts = change.bucket, view.get(partition, name)
        if counts.due_ms is None:
            self._ages_of(partition).add(bucket, name)
        due_ms = self._held.now_ms + self._profiles[bucket.profile].throttle_ms
        counts.change(change.events, change.positives, due_ms)
        self._held.hold(Owner(partition, bucket.owner), name, due_ms)

    def _tell(self, due: Sequence[tuple[int, str]], view: View[Counts], counted: Counted) -> None:
        for partition, name in due:
            counts = view.get(partition, name)
            if counts.due_ms is not None:  # else it was forgotten while it was held
                counted.names.append(name)
                counted.values.append(self._encode(_changed(Bucket.parse(name), counts)))

    def _ages_of(self, partition: int) -> Ages:
        ages = self._ages.get(partition)
        if ages is None:
            ages = self._ages[partition] = Ages(self._kept_ms)
        return ages


def _fault(each: Received) -> tuple[DeadLetterReason, str] | None:
    """Return what is wrong with an observation, if anything."""
    record = each.record
    if each.key != owner_of(record["profile"], record["key"]):
        return "key_mismatch", "the record's key is not its profile and key"
    if record["told"] not in _ADDED:
        return "invalid_value", f"nothing is told by {record['told']!r:.40}"
    return None


def _changed(bucket: Bucket, counts: Counts) -> ProfileChanged:
    """Return what is told of a bucket.

    There may be a retraction of what was counted in a bucket of another length, before the charter
    was changed; no more is made of it.
    """
    return ProfileChanged(
        profile=bucket.profile,
        key=bucket.key,
        start_ms=bucket.start_ms,
        end_ms=bucket.end_ms,
        events=counts.events,
        positives=max(0, counts.positives),
    )
