"""The whole benchmark: rounds in which every contestant takes its turn."""

import contextlib
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import TypeVar

from confluent_kafka import KafkaException

from headrace.benchmark import where
from headrace.benchmark.charters import with_forests
from headrace.benchmark.contestants import PROGRAMS, TUNING, Aim, Name
from headrace.benchmark.course import Course, lay
from headrace.benchmark.environments import environment
from headrace.benchmark.frozen import measure as measure_frozen
from headrace.benchmark.growth import Growth
from headrace.benchmark.latency import run_latency
from headrace.benchmark.open_loop import Percentiles
from headrace.benchmark.payments import Payments, growing
from headrace.benchmark.plan import SEED, Plan
from headrace.benchmark.results import Failure, Results
from headrace.benchmark.sizes import Sizes
from headrace.benchmark.surveyed import machine
from headrace.benchmark.swaps import Swapped, run_swaps
from headrace.benchmark.throughput import Throughput, run_throughput
from headrace.benchmark.watching import Watched, Watcher, run_watching
from headrace.chassis.clients import Clients
from headrace.chassis.settings import KafkaSettings
from headrace.contracts.registry import Registry, RegistrySettings
from headrace.errors import HeadraceError
from headrace.trials.surroundings import Say, start_stack, undisturbed_end

_T = TypeVar("_T")


class Benchmark:
    """One benchmark on a running stack.

    Parameters
    ----------
    plan
        What is run.
    say
        Told how far it is.
    """

    def __init__(self, plan: Plan, say: Say) -> None:
        self._plan = plan
        self._say = say
        self._clients, self._registry = Clients(KafkaSettings()), Registry(RegistrySettings())
        self._sizes = Sizes()
        self._started = time.strftime("%m%d-%H%M%S")
        self._numbers = count(1)
        self.machine = machine()
        """What it ran on, and how busy that was before."""
        self.environments: dict[str, Path] = {}
        """The Python of each environment that could be built."""
        self.results = Results()

    def run(self) -> Results:
        """Build the environments, run every round, and return what was measured."""
        contestants = list(self._plan.events)
        self._build(contestants)
        payments = growing(self._most_events(), SEED)
        self._warm_up("throughput", payments)
        for number in range(1, self._plan.rounds + 1):
            for name in contestants:
                self._throughput(name, payments, number)
        self._warm_up("latency", payments)
        for number in range(1, self._plan.rounds + 1):
            for name in self._plan.timed_in(number):
                self._latency(name, payments, number)
        if self._plan.more:
            self._swaps(payments)
            self._say("Frozen models beside River ...")
            self.results.frozen += measure_frozen(SEED)
        return self.results

    def _most_events(self) -> int:
        """Return how many the longest part takes."""
        plan = self._plan
        longest = [*plan.events.values(), plan.schedule.events]
        if plan.more:
            longest += [2 * plan.swapping.outcomes, plan.swapping.events(plan.rounds)]
        return max(longest)

    def _build(self, contestants: list[Name]) -> None:
        for each in {PROGRAMS[name].environment: name for name in contestants if name in PROGRAMS}:
            try:
                self.environments[each] = environment(each, self._say)
            except HeadraceError as error:
                self._say(f"{error.message}")

    def _warm_up(self, aim: Aim, payments: Payments) -> None:
        """Let the broker work before anybody is timed: it has just started, and gets faster.

        By the echo, which counts for nobody; large transactions do not warm it up for small ones.
        """
        self._say(f"Warming the broker up, {aim} ...")
        run = self._worked_off if aim == "throughput" else self._kept_up

        def warmed() -> object:
            python = self._python("echo")
            with self._course(f"bench-{self._started}-warm-up-{aim}") as course:
                return run("echo", course, payments, python)

        self._noted("echo", f"{aim}, warming up", warmed)

    def _worked_off(
        self, name: Name, course: Course, payments: Payments, python: Path | None
    ) -> Throughput:
        first, settings = payments.first(self._plan.events[name]), TUNING[name, "throughput"]
        return run_throughput(name, course, first, settings, python, self._sizes)

    def _kept_up(
        self, name: Name, course: Course, payments: Payments, python: Path | None
    ) -> dict[int, Percentiles]:
        schedule, settings = self._plan.schedule, TUNING[name, "latency"]
        return run_latency(name, course, payments, schedule, settings, python, self._sizes)

    def _throughput(self, name: Name, payments: Payments, number: int) -> None:
        def run(course: Course, python: Path | None) -> Throughput:
            done = self._worked_off(name, course, payments, python)
            if name == "headrace" and self._plan.more:
                self._watching(course, payments.first(done.events), number)
            return done

        done = self._tried(name, "throughput", number, run)
        if done is not None:
            self._say(f"  {name}: {done.per_s:,.0f} events/s")
            self.results.throughput.setdefault(name, []).append(done)
            if name == "headrace":
                self._sizes = done.sizes

    def _watching(self, course: Course, payments: Payments, number: int) -> None:
        """Let those who watch scoring work through what it has just left."""

        def run() -> dict[Watcher, Watched]:
            return run_watching(course, payments)

        for name, done in (self._noted("headrace", f"watching, round {number}", run) or {}).items():
            self._say(f"  {name}: {done.per_s:,.0f} events/s")
            self.results.watching.setdefault(name, []).append(done)

    def _latency(self, name: Name, payments: Payments, number: int) -> None:
        def run(course: Course, python: Path | None) -> dict[int, Percentiles]:
            return self._kept_up(name, course, payments, python)

        done = self._tried(name, "latency", number, run)
        if done is not None:
            for rate, each in done.items():
                self._say(f"  {name} at {rate}/s: p50 {each.p50_ms:.1f}, p99 {each.p99_ms:.1f} ms")
            self.results.latency.setdefault(name, []).append(done)

    def _swaps(self, payments: Payments) -> None:
        plan = self._plan
        self._say(f"{plan.rounds} rounds, models swapped under load ...")

        def run() -> list[Swapped]:
            charter = with_forests(where.charter().read_text("utf-8"), plan.swapping.outcomes)
            with self._course(f"bench-{self._started}-swaps", charter) as course:
                return run_swaps(course, payments, plan.swapping, plan.rounds, SEED, self._say)

        self.results.swaps += self._noted("headrace", "swaps under load", run) or []
        for known_as, parts in self.results.swapped().items():
            p50_ms, p99_ms = (parts[part].median for part in ("p50_ms", "p99_ms"))
            self._say(f"  {known_as}: p50 {p50_ms:.1f}, p99 {p99_ms:.1f} ms")

    def grow(self) -> None:
        """Measure every point of every curve, in rounds."""
        points = Growth(self._course_of, self.environments.get("plain")).points()
        for number in range(1, self._plan.growth_rounds + 1):
            for known_as, measure in points:
                self._say(f"Round {number} of {self._plan.growth_rounds}, {known_as} ...")
                point = self._noted("headrace", f"{known_as}, round {number}", measure)
                if point is not None:
                    self._say(f"  {point.per_s:,.0f} events/s, {point.memory_mb:,.0f} MB")
                    self.results.growth.append(point)

    def _tried(
        self, name: Name, aim: Aim, number: int, run: Callable[[Course, Path | None], _T]
    ) -> _T | None:
        """Run a contestant on topics of its own."""
        self._say(f"Round {number} of {self._plan.rounds}, {aim}: {name} ...")

        def tried() -> _T:
            python = self._python(name)
            with self._course(f"bench-{self._started}-{aim}-{number}-{name}") as course:
                return run(course, python)

        return self._noted(name, f"{aim}, round {number}", tried)

    def _noted(self, name: Name, run: str, measure: Callable[[], _T]) -> _T | None:
        """Measure; a failure is noted, and the others go on."""
        try:
            return measure()
        except (HeadraceError, KafkaException) as error:
            self._say(f"  {name} failed: {error}")
            self.results.failures.append(Failure(name, run, str(error)))
            return None

    def _python(self, name: Name) -> Path | None:
        if name not in PROGRAMS:
            return None
        each = PROGRAMS[name].environment
        if each not in self.environments:
            raise HeadraceError(f"The environment of {each} could not be built.")
        return self.environments[each]

    @contextlib.contextmanager
    def _course(self, use_case: str, charter: str | None = None) -> Iterator[Course]:
        """Make a course of a charter's text, or of the bench's own."""
        original = None
        if charter is not None:
            original = where.home() / "runs" / use_case / "original.toml"
            original.parent.mkdir(parents=True)
            original.write_text(charter, "utf-8")
        course = lay(use_case, self._clients, self._registry, original)
        try:
            yield course
        finally:
            course.discard()

    def _course_of(self, charter: str | None) -> contextlib.AbstractContextManager[Course]:
        return self._course(f"bench-{self._started}-growth-{next(self._numbers)}", charter)


def benchmark(plan: Plan, say: Say) -> Benchmark:
    """Run a benchmark on the local stack; what it started is stopped whatever happens.

    Raises
    ------
    HeadraceError
        The stack cannot be started.
    """
    with contextlib.ExitStack() as ends:
        ends.enter_context(undisturbed_end())
        start_stack(ends, say, keep=False)
        bench = Benchmark(plan, say)
        bench.run()
        if plan.growth_rounds:
            bench.grow()
        return bench
