"""One run for latency: an open loop, from when an event was due to when its decision was there."""

import struct
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headrace.benchmark.checking import check
from headrace.benchmark.contestants import Name, Settings, contestant
from headrace.benchmark.course import Course
from headrace.benchmark.expected import expected
from headrace.benchmark.payments import Payments
from headrace.benchmark.sizes import Sizes
from headrace.chassis.telemetry import untraced
from headrace.contracts.codec import AnyDecoder
from headrace.errors import HeadraceError
from headrace.simulator.due import DueTimes
from headrace.simulator.kinds import Publication
from headrace.simulator.publisher import Publisher
from headrace.trials.arrivals import Arrivals
from headrace.trials.process import BesideProcess
from headrace.trials.watch import Decode, Watch

_PLACE = struct.Struct(">iq")
_STALLED_S = 30.0
_MOST_BYTES = 1_048_576


@dataclass(frozen=True)
class Schedule:
    """How many events are published, and at which rates."""

    rates: tuple[int, ...]
    """Events a second."""
    seconds: float
    """At each rate."""
    warm_up_rate: int
    warm_up_seconds: float

    @property
    def events(self) -> int:
        """All of them."""
        return sum(count for _, count in self.stretches())

    def stretches(self) -> Iterator[tuple[int, int]]:
        """Yield rate and number of events, the warm-up first."""
        yield self.warm_up_rate, int(self.warm_up_rate * self.warm_up_seconds)
        for rate in self.rates:
            yield rate, int(rate * self.seconds)


@dataclass(frozen=True)
class Percentiles:
    """Latencies of one run at one rate, in milliseconds."""

    p50_ms: float
    p99_ms: float
    p999_ms: float
    behind_ms: float
    """Most that the publisher was behind its schedule; it counts as latency."""


def run_latency(
    name: Name,
    course: Course,
    payments: Payments,
    schedule: Schedule,
    settings: Settings,
    python: Path | None,
    sizes: Sizes,
) -> dict[int, Percentiles]:
    """Publish at each rate in turn, and time every decision.

    Raises
    ------
    HeadraceError
        A contestant ended, fell silent, or its output is wrong.
    """
    records = payments.first(schedule.events).records(course.encoder())
    arrivals = Arrivals()
    watch = Watch(
        course.clients,
        course.topic("decisions"),
        course.partitions,
        _decode(name, course),
        arrivals.add,
        untraced(),
    )
    with contestant(name, course, settings, python, sizes) as process, watch:
        measured = _measured(course, process, schedule, records, arrivals)
    if arrivals.count() != len(records):
        raise HeadraceError(f"{name} decided {arrivals.count()} events, not {len(records)}.")
    if name != "echo":
        values = {value: row for row, (_, value) in enumerate(records)}
        check(course, values, expected(payments.first(len(records)), course.charter))
    return measured


def _measured(
    course: Course,
    process: BesideProcess,
    schedule: Schedule,
    records: Sequence[tuple[str, bytes]],
    arrivals: Arrivals,
) -> dict[int, Percentiles]:
    measured, published = {}, 0
    producer = course.clients.producer(**{"linger.ms": 0})
    for number, (rate, count) in enumerate(schedule.stretches()):
        due_times = DueTimes()
        part = records[published : published + count]
        publications = [Publication(*record, "ordinary") for record in part]
        topic = course.topic("events")
        publisher = Publisher(producer, topic, untraced(), rate=rate, due_times=due_times)
        outcome = publisher.run(publications, threading.Event())
        published += count
        _await_arrived(arrivals, published, process)
        if number:
            behind_s = outcome.max_lateness_s or 0.0
            measured[rate] = _percentiles(arrivals, due_times, behind_s)
    return measured


def _percentiles(arrivals: Arrivals, due_times: DueTimes, behind_s: float) -> Percentiles:
    p50, p99, p999 = np.percentile(arrivals.latencies_ms(due_times), (50, 99, 99.9)).tolist()
    return Percentiles(p50, p99, p999, behind_s * 1_000)


def _await_arrived(arrivals: Arrivals, count: int, process: BesideProcess) -> None:
    arrived, moved_at_s = -1, time.monotonic()
    while arrived < count:
        process.require_alive()
        time.sleep(0.02)
        if arrivals.count() > arrived:
            arrived, moved_at_s = arrivals.count(), time.monotonic()
        elif time.monotonic() - moved_at_s > _STALLED_S:
            raise HeadraceError(
                f"{arrived:,} of {count:,} decisions have come, and no more do.",
                fix=f"See {process.log}.",
            )


def _decode(name: Name, course: Course) -> Decode:
    """Return what reads a decision's place; the echo's is all that it says."""
    return _echoed if name == "echo" else AnyDecoder(course.registry.writer, _MOST_BYTES)


def _echoed(value: bytes | None) -> dict[str, Any]:
    partition, offset = _PLACE.unpack_from(value or b"")
    return {"source_partition": partition, "source_offset": offset}
