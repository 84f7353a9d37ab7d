"""A use case's own events, merged from the partitions of their topic by their times."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from heapq import merge
from itertools import islice
from typing import Any

from headrace.backtesting.replay import Event
from headrace.backtesting.told import Told
from headrace.chassis.batch import Fetched
from headrace.chassis.records import Received
from headrace.contracts.codec import Undecodable
from headrace.usecase.charter import Charter

Decode = Callable[[bytes | None], dict[str, Any]]


def readable(
    messages: Iterable[Fetched], decode: Decode, left_out: Counter[str]
) -> Iterator[Received]:
    """Yield records decoded, and count those that cannot be."""
    for message in messages:
        try:
            value = message.value()
            record, key = decode(value), (message.key() or b"").decode()
        except Undecodable as error:
            left_out[error.reason] += 1
        except UnicodeDecodeError:
            left_out["key_mismatch"] += 1
        else:
            place, at_ms = (message.partition(), message.offset()), message.timestamp()[1]
            yield Received(*place, key, value or b"", record, at_ms)


class History:
    """The events of a use case, with their labels.

    What scoring would not decide is left out, and so is what comes further behind the latest event
    of the others than the charter waits for.

    Parameters
    ----------
    charter
        Whose events they are.
    partitions
        The records of each partition, in its order; they are read as far as they are asked for.
    rows
        How many there are at most.
    told
        Their labels.
    left_out
        Counts those that are left out, by reason: what reads the partitions may count there too.
    last_ms
        When about the last of them happened.
    now_ms
        The wall clock.
    limit
        At most so many events; None is all of them.
    """

    def __init__(
        self,
        charter: Charter,
        partitions: Sequence[Iterable[Received]],
        rows: int,
        told: Told,
        left_out: Counter[str],
        last_ms: int,
        now_ms: int,
        limit: int | None = None,
    ) -> None:
        self.rows = rows if limit is None else min(rows, limit)
        self.known_until_ms = max(told.until_ms, last_ms)
        self.last_ms = last_ms
        self.left_out = left_out
        self._charter = charter
        self._partitions = partitions
        self._told = told
        self._now_ms = now_ms

    @property
    def summary(self) -> Mapping[str, Any]:
        """How much of the topics counts; of the events once they have been read."""
        return {
            "labels": self._told.number,
            "labels_left_out": dict(self._told.left_out),
            "events_left_out": dict(self.left_out),
        }

    def __iter__(self) -> Iterator[Event]:
        """Yield the events in the order of their times."""
        return islice(self._in_time(), self.rows)

    def _in_time(self) -> Iterator[Event]:
        fields, latest_ms = self._charter.events, 0
        partitions = (self._valid(each) for each in self._partitions)
        for each in merge(*partitions, key=lambda each: each.record[fields.time]):
            time_ms = each.record[fields.time]
            if time_ms < latest_ms - fields.lateness_ms:
                self.left_out["too_late"] += 1
                continue
            latest_ms = max(latest_ms, time_ms)
            labels = self._told.of(each.key, each.record[fields.id])
            yield Event(each.record, labels, value=each.value)

    def _valid(self, partition: Iterable[Received]) -> Iterator[Received]:
        checks, key = self._charter.checks, self._charter.events.key
        for each in partition:
            if each.key != each.record[key]:
                self.left_out["key_mismatch"] += 1
            elif not checks.passes(each.record, self._now_ms):
                self.left_out[checks.fault(each.record, self._now_ms)[0]] += 1
            else:
                yield each
