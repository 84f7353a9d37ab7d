"""Running all worlds and streams, one process a core."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import Final

from headrace.benchmark.drifts.results import Results
from headrace.benchmark.drifts.streams import PACES, STREAMS, Followed, followed
from headrace.benchmark.drifts.watched import DRIFTS, OF_OUTCOMES, Watched, watched

_EVERY: Final = 4
"""Of the seeds, so manieth has worlds and streams that drift: those that don't prove more."""

Run = Callable[[], Watched | Followed]


@dataclass(frozen=True)
class Plan:
    """What is run."""

    first_seed: int
    seeds: int
    events: int
    """Of each world."""
    days: int
    """Of event time, of each world."""
    outcomes: int
    """Of each stream, before its drift; and after that begins."""
    processes: int
    """How many at once; one is this one."""

    @property
    def all_seeds(self) -> range:
        """The seeds of worlds and streams."""
        return range(self.first_seed, self.first_seed + self.seeds)


def cores() -> int:
    """Return how many processes there can be at once."""
    return os.cpu_count() or 1


def run(plan: Plan, progress: Callable[[str], None]) -> Results:
    """Run all of it.

    Parameters
    ----------
    progress
        Told of each run that is over, in words.
    """
    runs = list(_runs(plan))
    done = []
    for number, each in enumerate(_finished(runs, plan.processes), 1):
        done.append(each)
        progress(f"{number} of {len(runs)}: {_words(each)}")
    # In which order they were over is chance.
    worlds = [each for each in done if isinstance(each, Watched)]
    streams = [each for each in done if isinstance(each, Followed)]
    return Results(
        sorted(worlds, key=lambda each: (each.drift or "", each.seed)),
        sorted(streams, key=lambda each: (list(STREAMS).index(each.stream), each.pace, each.seed)),
    )


def _runs(plan: Plan) -> Iterator[Run]:
    """Yield the long ones first, so that no core is idle in the end."""
    for drift in (None, *DRIFTS):
        for seed in plan.all_seeds[:: _EVERY if drift else 1]:
            yield partial(watched, seed, plan.events, plan.days, drift)
    for seed in plan.all_seeds[::_EVERY]:
        for stream in STREAMS:
            for pace in PACES:
                yield partial(followed, stream, pace, seed, plan.outcomes)


def _finished(runs: Sequence[Run], processes: int) -> Iterator[Watched | Followed]:
    if processes == 1:
        yield from (each() for each in runs)
        return
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        futures = [pool.submit(each) for each in runs]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _words(done: Watched | Followed) -> str:
    if isinstance(done, Followed):
        noticed = "not noticed" if done.outcomes is None else f"{done.outcomes:,} outcomes"
        return f"{done.stream}, {done.pace}, seed {done.seed}: {noticed}"
    name = f"drift of {done.drift}" if done.drift else "stationary"
    subjects = ", ".join(dict.fromkeys(signal.subject for signal in done.signals)) or "no signal"
    first = done.first(OF_OUTCOMES)
    late = f", after {first.positives:,} positives" if first else ""
    return f"world, {name}, seed {done.seed}: {done.events:,} events, {subjects}{late}"
