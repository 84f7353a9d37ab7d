"""An open loop: events are published at a rate that waits for nobody, and decisions timed.

A latency runs from when an event was due to when its decision was there. What it says is read
later: that takes time of the publisher, which shares the process, and not as much for everybody.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np

from headrace.benchmark.course import Course
from headrace.chassis.telemetry import untraced
from headrace.errors import HeadraceError
from headrace.simulator.due import DueTimes
from headrace.simulator.kinds import Publication
from headrace.simulator.publisher import Publisher
from headrace.trials.arrivals import Arrivals
from headrace.trials.process import BesideProcess
from headrace.trials.watch import Decode, Watch

_STALLED_S = 30.0


@dataclass(frozen=True)
class Percentiles:
    """Latencies of one stretch at one rate, in milliseconds."""

    p50_ms: float
    p99_ms: float
    p999_ms: float
    behind_ms: float
    """Most that the publisher was behind its schedule; it counts as latency."""


class OpenLoop:
    """Publishes events, stretch by stretch, and watches the decisions while the context lasts.

    Parameters
    ----------
    process
        Who decides; it must not end.
    records
        Key and value of each event.
    decode
        Reads a decision's place.
    """

    def __init__(
        self,
        course: Course,
        process: BesideProcess,
        records: Sequence[tuple[str, bytes]],
        decode: Decode,
    ) -> None:
        self._course = course
        self._process = process
        self._records = records
        self._decode = decode
        self._arrivals = Arrivals()
        self._unread: list[tuple[Sequence[bytes], float]] = []
        self._watch = Watch[bytes](
            course.clients,
            course.topic("decisions"),
            course.partitions,
            lambda value: value or b"",
            self._take,
            untraced(),
        )
        self._producer = course.clients.producer(**{"linger.ms": 0})
        self._published = self._arrived = 0

    def __enter__(self) -> Self:
        """Begin to watch."""
        self._watch.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        self._watch.__exit__(kind, error, trace)

    def decided(self) -> int:
        """Return how many decisions have come."""
        return self._arrived

    def run(self, rate: int, count: int) -> Percentiles:
        """Publish the next events at so many a second, and wait until all are decided.

        Raises
        ------
        HeadraceError
            Who decides has ended, or fell silent.
        """
        due_times = DueTimes()
        part = self._records[self._published : self._published + count]
        publications = [Publication(*record, "ordinary") for record in part]
        publisher = Publisher(
            self._producer,
            self._course.topic("events"),
            untraced(),
            rate=rate,
            due_times=due_times,
        )
        outcome = publisher.run(publications, threading.Event())
        self._published += len(part)
        self._await_decided()
        self._read()
        latencies_ms = self._arrivals.latencies_ms(due_times)
        p50, p99, p999 = np.percentile(latencies_ms, (50, 99, 99.9)).tolist()
        return Percentiles(p50, p99, p999, (outcome.max_lateness_s or 0.0) * 1_000)

    def _take(self, values: Sequence[bytes], now_s: float) -> None:
        self._unread.append((values, now_s))
        self._arrived += len(values)

    def _read(self) -> None:
        """Read what has arrived, now that all of it has."""
        unread, self._unread = self._unread, []
        for values, now_s in unread:
            self._arrivals.add([self._decode(value) for value in values], now_s)

    def _await_decided(self) -> None:
        arrived, moved_at_s = -1, time.monotonic()
        while arrived < self._published:
            self._process.require_alive()
            time.sleep(0.02)
            if self.decided() > arrived:
                arrived, moved_at_s = self.decided(), time.monotonic()
            elif time.monotonic() - moved_at_s > _STALLED_S:
                raise HeadraceError(
                    f"{arrived:,} of {self._published:,} decisions have come, and no more do.",
                    fix=f"See {self._process.log}.",
                )
