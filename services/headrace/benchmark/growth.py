"""How headrace grows, with keys, features, windows and processes; and what safety costs."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from headrace.benchmark.charters import with_windows
from headrace.benchmark.contestants import plain
from headrace.benchmark.course import Course
from headrace.benchmark.feeding import await_committed, publish
from headrace.benchmark.outputs import stamps
from headrace.benchmark.payments import Payments, growing, in_turn
from headrace.benchmark.throughput import WARM_UP_SHARE, rate
from headrace.benchmark.where import charter
from headrace.errors import HeadraceError
from headrace.trials.process import BesideProcess
from headrace.trials.service import ScoringProcess

_KEYS = (10_000, 100_000, 1_000_000)
_WINDOW_COUNTS = (1, 3, 8, 16)
_LONGEST_DAYS = (1, 7, 30, 90)
_PROCESSES = (1, 2)
_PAYMENTS_A_KEY = 2
"""Before what is measured; each key's are 15 days apart."""
_APART_DAYS = 15
_MEASURED = 100_000
_EVENTS = 150_000
_SEED = 2
_START_S = 900.0

Lay = Callable[[str | None], contextlib.AbstractContextManager[Course]]
"""Makes the topics of one run, given the charter's text where it is another one."""


@dataclass(frozen=True)
class Point:
    """One point of a curve."""

    curve: str
    at: str
    per_s: float
    memory_mb: float
    """Most that the first process had."""
    keys: int | None = None
    """How many there were, where that is what grows."""
    restore_s: float | None = None


class Growth:
    """Measures one point after the other.

    Parameters
    ----------
    lay
        Makes the topics of a run.
    python
        Of the environment of the plain programs; None where it could not be built.
    """

    def __init__(self, lay: Lay, python: Path | None) -> None:
        self._lay = lay
        self._python = python

    def points(self) -> list[tuple[str, Callable[[], Point]]]:
        """Return what is to be measured, and as what it is known."""
        curves: Sequence[tuple[str, Callable[[Any], Point], Sequence[Any]]] = (
            ("keys", self._keys, _KEYS),
            ("windows", self._windows, _WINDOW_COUNTS),
            ("longest window in days", self._longest, _LONGEST_DAYS),
            ("processes", self._processes, _PROCESSES),
            ("plain, exactly once", self._plain, (False, True)),
        )
        return [
            (f"{curve}: {at}", partial(measure, at))
            for curve, measure, all_at in curves
            for at in all_at
        ]

    def _keys(self, keys: int) -> Point:
        events = keys * _PAYMENTS_A_KEY + _MEASURED
        payments = in_turn(keys, events, events / keys * _APART_DAYS, _SEED)
        with self._lay(None) as course:
            point = self._worked_off("keys", f"{keys:,}", course, payments, 1 - _MEASURED / events)
            with _scoring(course) as process:
                restore_s = process.gauge("restore_seconds")
        return replace(point, keys=keys, restore_s=restore_s)

    def _windows(self, count: int) -> Point:
        hours = [30 * 24 * (number + 1) // count for number in range(count)]
        text = with_windows(charter().read_text("utf-8"), hours)
        with self._lay(text) as course:
            at = f"{count} ({1 + 2 * count} features)"
            return self._worked_off("windows", at, course, growing(_EVENTS, _SEED))

    def _longest(self, days: int) -> Point:
        hours = sorted({max(1, days * 24 // 30), max(2, days * 24 * 7 // 30), days * 24})
        text = with_windows(charter().read_text("utf-8"), hours)
        with self._lay(text) as course:
            payments = growing(_EVENTS, _SEED)
            return self._worked_off("longest window", f"{days} d", course, payments)

    def _processes(self, count: int) -> Point:
        """Start them all, and only then publish: what is measured is shared from its beginning."""
        records_of = growing(_EVENTS * 2, _SEED)
        with self._lay(None) as course, contextlib.ExitStack() as running:
            started = [running.enter_context(_scoring(course, f"bench-{n}")) for n in range(count)]
            publish(course, records_of.records(course.encoder()))
            return self._finished("processes", str(count), course, started[0], WARM_UP_SHARE)

    def _plain(self, exactly_once: bool) -> Point:
        if self._python is None:
            raise HeadraceError("The environment of the plain programs could not be built.")
        payments = growing(_EVENTS // 2, _SEED)
        with self._lay(None) as course:
            publish(course, payments.records(course.encoder()))
            at = "exactly once" if exactly_once else "at least once"
            with plain(course, self._python, exactly_once=exactly_once) as process:
                return self._finished("plain program", at, course, process, WARM_UP_SHARE)

    def _worked_off(
        self,
        curve: str,
        at: str,
        course: Course,
        payments: Payments,
        warm_up_share: float = WARM_UP_SHARE,
    ) -> Point:
        publish(course, payments.records(course.encoder()))
        with _scoring(course) as process:
            return self._finished(curve, at, course, process, warm_up_share)

    @staticmethod
    def _finished(
        curve: str, at: str, course: Course, process: BesideProcess, warm_up_share: float
    ) -> Point:
        await_committed(course, process)
        memory_mb = process.most_memory_mb()
        appended_ms = stamps(course, "decisions").appended_ms
        return Point(curve, at, rate(appended_ms, warm_up_share), memory_mb)


def _scoring(course: Course, instance: str = "bench") -> ScoringProcess:
    log = course.beside(f".{instance}.log")
    return ScoringProcess(course.path, {"HEADRACE_INSTANCE": instance}, log, _START_S)
