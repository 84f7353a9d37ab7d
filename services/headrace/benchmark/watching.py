"""How fast those who watch scoring work through what it has read and written."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from headrace.benchmark.course import Course
from headrace.benchmark.expected import expected
from headrace.benchmark.feeding import await_processed
from headrace.benchmark.outputs import Stamped, stamped
from headrace.benchmark.payments import Payments
from headrace.benchmark.throughput import WARM_UP_SHARE, rate, stages_us
from headrace.errors import HeadraceError
from headrace.trials.service import ServiceProcess

Watcher = Literal["sketching", "drift"]
_AN_EVENT = 2
"""Records that are sketched: the event and its decision."""


@dataclass(frozen=True)
class Watched:
    """What came of a run."""

    events: int
    sketches: int
    per_s: float
    """Events a second after the warm-up, with their decisions, by the broker's stamps."""
    memory_mb: float
    """Most resident memory that the process had."""
    stages_us: Mapping[str, float]
    """Where the time goes, in µs an event."""


def run_watching(course: Course, payments: Payments) -> dict[Watcher, Watched]:
    """Let sketching work through events and decisions, and drift through the sketches of them.

    Parameters
    ----------
    course
        Where scoring has decided all of the payments.

    Raises
    ------
    HeadraceError
        One of them failed, or the sketches do not come to the records.
    """
    events = len(payments)
    memory_mb, stages = _worked("sketching", course, _AN_EVENT * events, events)
    sketches = list(stamped(course, "sketches"))
    require_all(sketches, course, payments)
    appended_ms = [each.appended_ms for each in sketches]
    sketching = Watched(events, len(sketches), _rate(sketches, appended_ms), memory_mb, stages)
    memory_mb, stages = _worked("drift", course, len(sketches), events)
    if lost := len(list(stamped(course, "sketches.dlq"))):
        raise HeadraceError(f"{lost:,} sketches of {course.name} are dead letters.")
    appended_ms = taken_in_ms(sketches, list(stamped(course, "drift.changelog")))
    drift = Watched(events, len(sketches), _rate(sketches, appended_ms), memory_mb, stages)
    return {"sketching": sketching, "drift": drift}


def require_all(sketches: Sequence[Stamped], course: Course, payments: Payments) -> None:
    """Raise HeadraceError where sketches do not come to the events, nor to what was decided."""
    wanted = expected(payments, course.charter)
    records, counts, sums = _summed([each.record for each in sketches])
    names = [*course.charter.feature_set.names, "score"]
    totals = [*wanted.features.sum(axis=0), wanted.scores.sum()]
    actions = Counter(f"action/{action}" for action in wanted.actions.tolist())
    is_right = (
        records == {course.topic(plural): len(payments) for plural in ("events", "decisions")}
        and {name: counts[name] for name in counts if name.startswith("action/")} == actions
        and np.allclose([sums[name] for name in names], totals, rtol=1e-9)
    )
    if not is_right:
        raise HeadraceError(
            f"The sketches of {course.name} do not come to its {len(payments):,} events and"
            f" decisions: they are of {dict(records)}, with {dict(counts)}."
        )


def taken_in_ms(sketches: Sequence[Stamped], changes: Sequence[Stamped]) -> list[int]:
    """Return when each sketch was taken in: when the first change was written that reflects it.

    Parameters
    ----------
    changes
        Of the state of drift.

    Raises
    ------
    HeadraceError
        None of them reflects the last sketch.
    """
    written_ms = {each.record["offset"]: each.appended_ms for each in reversed(changes)}
    offsets = sorted(written_ms)
    if not offsets or offsets[-1] < sketches[-1].offset:
        raise HeadraceError("The state of drift does not reflect all sketches.")
    rows = np.searchsorted(offsets, [each.offset for each in sketches])
    return [written_ms[offsets[row]] for row in rows.tolist()]


def _worked(
    service: Watcher, course: Course, records: int, events: int
) -> tuple[float, Mapping[str, float]]:
    """Let a service work, and return its memory, and where its time went."""
    log = course.beside(f".{service}.log")
    with ServiceProcess(service, course.path, {"HEADRACE_INSTANCE": "bench"}, log) as process:
        await_processed(course, process, records)
        return process.most_memory_mb(), stages_us(process, events)


def _rate(sketches: Sequence[Stamped], appended_ms: Sequence[int]) -> float:
    """Return the events a second of records that were done with when their sketches were."""
    records = [each.record["records"] for each in sketches]
    return rate(np.sort(np.repeat(appended_ms, records)), WARM_UP_SHARE) / _AN_EVENT


def _summed(
    sketches: Sequence[Mapping[str, Any]],
) -> tuple[Counter[str], Counter[str], dict[str, float]]:
    """Return the records of each topic, the counts, and the sums of the histograms' values."""
    records, counts, sums = Counter[str](), Counter[str](), defaultdict[str, float](float)
    for sketch in sketches:
        records[sketch["source_topic"]] += sketch["records"]
        for each in sketch["counts"]:
            counts[each["name"]] += each["records"]
        for each in sketch["histograms"]:
            sums[each["name"]] += each["sum"]
    return records, counts, sums
