"""Swaps under load: the same open loop without swaps, and with one every few seconds."""

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle

from headrace.benchmark.checking import check
from headrace.benchmark.contestants import TUNING
from headrace.benchmark.course import Course
from headrace.benchmark.forests import expected_of, learn, publish_models
from headrace.benchmark.open_loop import OpenLoop, Percentiles
from headrace.benchmark.outputs import decoder
from headrace.benchmark.payments import Payments
from headrace.chassis.clock import now_ms
from headrace.chassis.produce import produce_one
from headrace.contracts.records import ServingChanged
from headrace.errors import HeadraceError
from headrace.models.artefact import Artefact
from headrace.models.choice import CHAMPION
from headrace.trials.service import ScoringProcess
from headrace.trials.surroundings import Say
from headrace.verification.terms import load_terms
from headrace.verification.verifier import Verifier

_SWAP_S = 10.0
_VERIFY_S = 60.0


@dataclass(frozen=True)
class Swapping:
    """How events are published while models are swapped; every round has two stretches."""

    rate: int
    """Events a second."""
    seconds: float
    """A stretch."""
    every_s: float
    """From one swap to the next; the first comes after a quarter of it."""
    settle_s: float
    """Before each stretch, not timed."""
    warm_up_s: float
    """Before the first."""
    outcomes: int
    """From one version of the model to the next."""

    def events(self, rounds: int) -> int:
        """Return how many all rounds take."""
        a_round = 2 * (self._count(self.settle_s) + self._count(self.seconds))
        return self._count(self.warm_up_s) + rounds * a_round

    def warm_up(self, loop: OpenLoop) -> None:
        """Let a process that has just started work."""
        loop.run(self.rate, self._count(self.warm_up_s))

    def timed(self, loop: OpenLoop) -> Percentiles:
        """Time a stretch."""
        return loop.run(self.rate, self._count(self.seconds))

    def settle(self, loop: OpenLoop) -> None:
        """Let what came before end, under the same load."""
        loop.run(self.rate, self._count(self.settle_s))

    def _count(self, seconds: float) -> int:
        return int(self.rate * seconds)


@dataclass(frozen=True)
class Swapped:
    """One round: latencies without swaps, and with them."""

    without: Percentiles
    swapping: Percentiles
    swaps: int
    """Models that were taken over meanwhile: as many as were told to serve."""


def run_swaps(
    course: Course, payments: Payments, plan: Swapping, rounds: int, seed: int, say: Say
) -> list[Swapped]:
    """Time both stretches of every round in one process, in turn which comes first.

    Parameters
    ----------
    course
        Its charter has a model that learns.

    Raises
    ------
    HeadraceError
        Scoring ended or fell silent, a swap did not happen, or an event was lost, decided twice
        or decided wrongly.
    """
    first = payments.first(plan.events(rounds))
    models, records = learn(payments, course.charter, seed), first.records(course.encoder())
    publish_models(course, models)
    pointer = _Pointer(course, models)
    pointer.write()
    environment = {"HEADRACE_INSTANCE": "bench", **TUNING["headrace", "latency"]}
    with (
        ScoringProcess(course.path, environment, course.beside(".log")) as process,
        OpenLoop(course, process, records, decoder(course)) as loop,
    ):
        plan.warm_up(loop)
        done = [
            _round(plan, loop, process, pointer, is_first=bool(number % 2))
            for number in range(rounds)
        ]
    wanted = expected_of(models, first, course.charter)
    values = {value: row for row, (_, value) in enumerate(records)}
    require_each(models, check(course, values, wanted.get))
    _verify(course, say)
    return done


def require_all(swaps: int, pointers: int) -> None:
    """Raise HeadraceError where not every model that was told to serve was taken over."""
    if swaps != pointers:
        raise HeadraceError(
            f"{swaps} models were taken over, and {pointers} were told to serve: the latencies"
            " are not those of so many swaps."
        )


def require_each(models: Sequence[Artefact], decided: Mapping[bytes, int]) -> None:
    """Raise HeadraceError where a model has decided nothing.

    Parameters
    ----------
    decided
        How many events, by the digest of the model.
    """
    for model in models:
        if not decided.get(model.digest):
            name, version = model.manifest.name, model.manifest.version
            raise HeadraceError(f"The model {name} {version} has decided nothing.")


def _round(
    plan: Swapping,
    loop: OpenLoop,
    process: ScoringProcess,
    pointer: "_Pointer",
    *,
    is_first: bool,
) -> Swapped:
    """Run both stretches; ``is_first`` is the one with swaps."""
    before = pointer.written
    took = {}
    for is_swapping in (is_first, not is_first):
        plan.settle(loop)
        changing = pointer.changing(plan.every_s) if is_swapping else contextlib.nullcontext()
        with changing:
            took[is_swapping] = plan.timed(loop)
        require_all(_taken_over(process, pointer.written), pointer.written)
    return Swapped(took[False], took[True], pointer.written - before)


def _taken_over(process: ScoringProcess, pointers: int) -> int:
    """Return how many models scoring has taken over, once that is as many as are to be."""
    until_s = time.monotonic() + _SWAP_S
    while (taken := int(process.gauge("models_swapped_total"))) < pointers:
        if time.monotonic() > until_s:
            break
        time.sleep(0.05)
    return taken


class _Pointer:
    """Says which model is to serve: each in turn."""

    def __init__(self, course: Course, models: Sequence[Artefact]) -> None:
        self._course = course
        self._encode = course.encoder("servings")
        self._models = cycle(models)
        self.written = 0
        """How often it has said so."""

    def write(self) -> None:
        """Let the next model serve."""
        model = next(self._models)
        change = ServingChanged(
            role=CHAMPION,
            digest=model.digest,
            name=model.manifest.name,
            version=model.manifest.version,
            by="headrace bench",
            reason="it is its turn",
            changed_at_ms=now_ms(),
        )
        topic = self._course.topic("servings")
        produce_one(self._course.clients, topic, CHAMPION, self._encode(change))
        self.written += 1

    @contextlib.contextmanager
    def changing(self, every_s: float) -> Iterator[None]:
        """Let the next model serve every so often while the context lasts."""
        stop = threading.Event()
        with ThreadPoolExecutor(1) as beside:
            done = beside.submit(self._change, every_s, stop)
            try:
                yield
            finally:
                stop.set()
        done.result()

    def _change(self, every_s: float, stop: threading.Event) -> None:
        wait_s = every_s / 4
        while not stop.wait(wait_s):
            self.write()
            wait_s = every_s


def _verify(course: Course, say: Say) -> None:
    terms = load_terms(course.path)
    verifier = Verifier(course.clients, course.registry, terms, _VERIFY_S, say)
    for result in verifier.verify(allow_pending=False).results:
        if result.verdict == "FAIL":
            raise HeadraceError(
                f"Verification of {course.name} fails: {result.check}, {result.offenders:,}"
                f" offenders; promised {result.promise}.",
                fix=f"See {course.path}.",
            )
