"""Dead letters: what they hold, whether they are whole, and what of them was replayed."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from headrace.chassis.batch import Fetched
from headrace.chassis.topology import Channel
from headrace.contracts.codec import Undecodable
from headrace.explaining.records import Place, place_of

# What the chassis says in the detail where a dead letter could not hold the record whole.
_CUT = re.compile(r"; (only [0-9]+ of the (key|value)'s [0-9]+ bytes are here|[^;]*are left out)")


class Letter(NamedTuple):
    """A dead letter, and where it stands."""

    place: Place
    record: dict[str, Any]
    """As ``DeadLettered``."""

    @property
    def is_whole(self) -> bool:
        """Tell whether it holds the record's key, value and headers unabridged."""
        return _CUT.search(self.record["detail"]) is None


def letters_of(messages: Iterable[Fetched], channel: Channel) -> Iterator[Letter]:
    """Yield the dead letters among records; others are none of ours."""
    for message in messages:
        try:
            yield Letter(place_of(message), channel.decode(message.value()))
        except Undecodable:
            continue


def replays_by_letter(records: Iterable[dict[str, Any]]) -> dict[Place, list[dict[str, Any]]]:
    """Return, by dead letter, each ``ReplayRequested`` of it, the first first."""
    found: dict[Place, list[dict[str, Any]]] = {}
    for each in records:
        place = Place(each["dead_letter_partition"], each["dead_letter_offset"])
        found.setdefault(place, []).append(each)
    return found


@dataclass
class Heap:
    """What lies in a topic of dead letters, without the bytes."""

    depth: int = 0
    oldest_at_ms: int | None = None
    reasons: Counter[str] = field(default_factory=Counter)
    rows: list[dict[str, Any]] = field(default_factory=list)
    """The latest, the newest first."""


def heap_of(
    letters: Iterable[Letter],
    replays: Mapping[Place, list[dict[str, Any]]],
    reason: str | None,
    limit: int,
) -> Heap:
    """Count dead letters, of one reason or of all, and keep what is told of the latest."""
    heap = Heap()
    for letter in letters:
        record = letter.record
        if reason not in (None, record["reason"]):
            continue
        heap.depth += 1
        heap.reasons[record["reason"]] += 1
        at_ms = record["dead_lettered_at_ms"]
        if heap.oldest_at_ms is None or at_ms < heap.oldest_at_ms:
            heap.oldest_at_ms = at_ms
        heap.rows.append(_row(letter, len(replays.get(letter.place, ()))))
        if len(heap.rows) > 2 * limit + 1_000:
            _keep_latest(heap, limit)
    _keep_latest(heap, limit)
    return heap


def _keep_latest(heap: Heap, limit: int) -> None:
    heap.rows.sort(key=lambda row: row["dead_lettered_at_ms"], reverse=True)
    del heap.rows[limit:]


def _row(letter: Letter, replayed: int) -> dict[str, Any]:
    record = letter.record
    return {
        "partition": letter.place.partition,
        "offset": letter.place.offset,
        **{name: value for name, value in record.items() if name not in _BYTES},
        "value_bytes": None if record["value"] is None else len(record["value"]),
        "whole": letter.is_whole,
        "replayed": replayed,
    }


_BYTES = ("key", "value", "headers")
"""Who lists dead letters is not shown what may be personal."""
