"""What a contestant has written, read back from its topics."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from headrace.benchmark.course import Course
from headrace.chassis.batch import Fetched
from headrace.chassis.reading import read_to_end
from headrace.contracts.codec import AnyDecoder

_TIMEOUT_S = 60.0
_MOST_BYTES = 1_048_576

Place = tuple[int, int]
"""Partition and offset of an event."""


@dataclass(frozen=True)
class Stamps:
    """When the records of a topic were appended, by the broker (ms, sorted), and their size."""

    appended_ms: NDArray[np.int64]
    mean_bytes: float

    def __len__(self) -> int:
        return len(self.appended_ms)


def stamps(course: Course, plural: str) -> Stamps:
    """Read the stamps and sizes of a topic's committed records."""
    stamped, size = list[int](), 0
    for message in _messages(course, plural):
        stamped.append(message.timestamp()[1])
        size += len(message.value() or b"")
    return Stamps(np.sort(np.array(stamped, np.int64)), size / max(1, len(stamped)))


class Stamped(NamedTuple):
    """One record, decoded."""

    offset: int
    appended_ms: int
    """When the broker appended it."""
    record: dict[str, Any]


def stamped(course: Course, plural: str) -> Iterator[Stamped]:
    """Read the committed records of a topic with their stamps."""
    decode = decoder(course)
    for message in _messages(course, plural):
        yield Stamped(message.offset(), message.timestamp()[1], decode(message.value()))


@dataclass(frozen=True)
class Written:
    """One record, decoded, and the digest of its bytes."""

    record: dict[str, Any]
    digest: bytes

    @property
    def place(self) -> Place:
        """Of the event that it is about."""
        return self.record["source_partition"], self.record["source_offset"]


def decoder(course: Course) -> AnyDecoder:
    """Return what reads any record."""
    return AnyDecoder(course.registry.writer, _MOST_BYTES)


def written(course: Course, plural: str) -> Iterator[Written]:
    """Read the committed records of decisions or audits."""
    decode = decoder(course)
    for message in _messages(course, plural):
        value = message.value() or b""
        yield Written(decode(value), sha256(value).digest())


def events(course: Course) -> dict[Place, bytes]:
    """Read the events back: their bytes by their place."""
    return {
        (message.partition(), message.offset()): message.value() or b""
        for message in _messages(course, "events")
    }


def _messages(course: Course, plural: str) -> Iterator[Fetched]:
    spec = course.topics[course.topic(plural)]
    for batch in read_to_end(course.clients, spec.name, range(spec.partitions), _TIMEOUT_S):
        yield from batch
