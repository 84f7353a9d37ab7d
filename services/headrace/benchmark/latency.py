"""One run for latency: an open loop at each rate in turn."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace.benchmark.checking import check
from headrace.benchmark.contestants import Name, Settings, contestant
from headrace.benchmark.course import Course
from headrace.benchmark.expected import expected
from headrace.benchmark.open_loop import OpenLoop, Percentiles
from headrace.benchmark.outputs import decoder
from headrace.benchmark.payments import Payments
from headrace.benchmark.sizes import Sizes
from headrace.errors import HeadraceError
from headrace.trials.watch import Decode

_PLACE = struct.Struct(">iq")


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
    with (
        contestant(name, course, settings, python, sizes) as process,
        OpenLoop(course, process, records, _decode(name, course)) as loop,
    ):
        _, *stretches = [(rate, loop.run(rate, count)) for rate, count in schedule.stretches()]
    if loop.decided() != len(records):
        raise HeadraceError(f"{name} decided {loop.decided()} events, not {len(records)}.")
    if name != "echo":
        values = {value: row for row, (_, value) in enumerate(records)}
        wanted = expected(payments.first(len(records)), course.charter)
        check(course, values, lambda _: wanted)
    return dict(stretches)


def _decode(name: Name, course: Course) -> Decode:
    """Return what reads a decision's place; the echo's is all that it says."""
    return _echoed if name == "echo" else decoder(course)


def _echoed(value: bytes | None) -> dict[str, Any]:
    partition, offset = _PLACE.unpack_from(value or b"")
    return {"source_partition": partition, "source_offset": offset}
