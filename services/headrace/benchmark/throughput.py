"""One run for throughput: a contestant works a backlog off, is checked and timed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headrace.benchmark.checking import check
from headrace.benchmark.contestants import Name, Settings, contestant
from headrace.benchmark.course import Course
from headrace.benchmark.expected import expected
from headrace.benchmark.feeding import await_committed, publish
from headrace.benchmark.outputs import stamps
from headrace.benchmark.payments import Payments
from headrace.benchmark.sizes import Sizes
from headrace.chassis.stages import Stage
from headrace.errors import HeadraceError
from headrace.trials.process import BesideProcess
from headrace.trials.service import ServiceProcess

WARM_UP_SHARE = 0.25
_NOT_WORK: frozenset[Stage] = frozenset({"idle", "restore", "handle"})


@dataclass(frozen=True)
class Throughput:
    """What came of a run."""

    events: int
    per_s: float
    """Decisions a second after the warm-up, by the broker's stamps."""
    sizes: Sizes
    memory_mb: float
    """Most resident memory that the process had."""
    stages_us: Mapping[str, float] = field(default_factory=dict)
    """Of headrace: where the time goes, in µs an event."""


def run_throughput(
    name: Name,
    course: Course,
    payments: Payments,
    settings: Settings,
    python: Path | None,
    sizes: Sizes,
) -> Throughput:
    """Let a contestant work a backlog off.

    Raises
    ------
    HeadraceError
        It failed, or its output is wrong.
    """
    records = payments.records(course.encoder())
    publish(course, records)
    with contestant(name, course, settings, python, sizes) as process:
        await_committed(course, process)
        memory_mb, spent_us = process.most_memory_mb(), stages_us(process, len(payments))
    decisions, audits = stamps(course, "decisions"), stamps(course, "audits")
    changes = stamps(course, "scoring.changelog")
    if len(decisions) != len(payments) or len(audits) != len(payments):
        raise HeadraceError(
            f"{name} wrote {len(decisions):,} decisions and {len(audits):,} audit records for"
            f" {len(payments):,} events."
        )
    if name != "echo":
        values = {value: row for row, (_, value) in enumerate(records)}
        wanted = expected(payments, course.charter)
        check(course, values, lambda _: wanted)
    wrote = Sizes(
        round(decisions.mean_bytes),
        round(audits.mean_bytes),
        round(changes.mean_bytes),
        len(changes) / len(payments),
    )
    per_s = rate(decisions.appended_ms, WARM_UP_SHARE)
    return Throughput(len(payments), per_s, wrote, memory_mb, spent_us)


def rate(appended_ms: NDArray[np.int64], warm_up_share: float) -> float:
    """Return records a second after the first share of them, which is cut off.

    Records that were appended at the same time as the last of the warm-up belong to it, so that
    no batch is cut in two.
    """
    from_ms = appended_ms[int(len(appended_ms) * warm_up_share)]
    counted = int((appended_ms > from_ms).sum())
    return counted / (int(appended_ms[-1]) - int(from_ms)) * 1_000 if counted else 0.0


def stages_us(process: BesideProcess, events: int) -> dict[str, float]:
    """Return where a service's time has gone, in µs an event; nothing of a peer's program."""
    if not isinstance(process, ServiceProcess):
        return {}
    seconds = process.stage_seconds()
    return {
        stage: spent_s / events * 1e6
        for stage, spent_s in seconds.items()
        if stage not in _NOT_WORK and spent_s > 0
    }
