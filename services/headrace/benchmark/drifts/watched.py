"""What the drift service notices in a simulated world, and when."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, NamedTuple

from headrace.benchmark.drifts.detectors import Tried, tried
from headrace.benchmark.drifts.worlds import Step, World, with_one_model
from headrace.contracts.codec import FRAMING
from headrace.contracts.location import shipped
from headrace.contracts.schemas import field_names, nullable_fields
from headrace.drift.outcomes import BASE_RATE, POSITIVES, OutcomeStreams
from headrace.drift.watch import Noticed, Watch
from headrace.simulator.scenario import Drift, DriftKind, Scenario
from headrace.simulator.seasons import DAY_MS, START_MS
from headrace.sketching.cutting import Stretch
from headrace.sketching.domain import Sketcher
from headrace.usecase.charter import Charter

DRIFTS_AT: Final = 170 / 240
"""When a world drifts, of its days: by then there was enough to know what is usual."""
OF_OUTCOMES: Final = ("concept/", "calibration/", BASE_RATE)
"""What signals are about that say that outcomes are not what they were to the model."""
_LOOKED_AT: Final = 30
"""Days after its drift that a world is watched for at least."""
_VALUE: Final = FRAMING.pack(0, 1)
"""All events are written with one schema."""


class Drifting(NamedTuple):
    """How a world drifts."""

    kind: DriftKind
    magnitude: float = 1.0
    over_days: int = 0

    def at(self, from_ms: int) -> Drift:
        """Return the drift that begins then."""
        over_ms = self.over_days * DAY_MS
        return Drift(self.kind, from_ms, over_ms=over_ms, magnitude=self.magnitude)


TWICE: Final = "concept, twice as much"
DRIFTS: Final[Mapping[str, Drifting]] = {
    "concept": Drifting("concept"),
    TWICE: Drifting("concept", 2.0),
    "concept, twice as much, over 28 days": Drifting("concept", 2.0, 28),
    "data": Drifting("data"),
}
"""By name, the drifts that worlds are tried with."""


class Seen(NamedTuple):
    """How much there was of what has drifted."""

    events: int
    outcomes: int
    positives: int


class Signal(NamedTuple):
    """A signal that was raised."""

    subject: str
    kind: str
    day: float
    """Of the world, when it was noticed."""
    once_in: float
    after: Seen | None
    """None before anything had drifted."""


@dataclass
class Watched:
    """A world, and what was noticed in it."""

    seed: int
    drift: str | None
    """By its name in :data:`DRIFTS`."""
    events: int = 0
    quiet_events: int = 0
    """Those before anything had drifted."""
    outcomes: int = 0
    versions: int = 0
    """Of models that decided."""
    signals: list[Signal] = field(default_factory=list)
    loss: Sequence[float | None] = (None, None)
    """What positives cost the score, in the mean: before anything had drifted, and after; None
    where none was watched."""
    tried: list[Tried] = field(default_factory=list)
    """Detectors beside ours, on what positives cost the score."""
    tried_events: int = 0
    """Before anything had drifted, events while those were tried."""
    watching_s: float = 0.0

    def first(self, about: tuple[str, ...] = ("",)) -> Seen | None:
        """Return how much there was until the first signal whose subject begins so."""
        firsts = (s.after for s in self.signals if s.after and s.subject.startswith(about))
        return next(firsts, None)


@cache
def card_fraud() -> Charter:
    """Return the charter that is watched."""
    path = shipped("deploy") / "charters" / "card-fraud.toml"
    return with_one_model(Charter.load(path, field_names))


def watched(seed: int, events: int, days: int, drift: str | None) -> Watched:
    """Watch a world; one that drifts until that was noticed, and for 30 days."""
    drifts_ms = START_MS + int(days * DRIFTS_AT) * DAY_MS
    drifts = (DRIFTS[drift].at(drifts_ms),) if drift else ()
    world = World(card_fraud(), Scenario(seed, events, drifts, days))
    watching = _Watching(Watched(seed, drift), drifts_ms if drift else None)
    about = ("",) if drift == "data" else OF_OUTCOMES
    looked_ms = drifts_ms + _LOOKED_AT * DAY_MS
    for step in world:
        watching.take(step)
        is_later = bool(len(step.times_ms)) and int(step.times_ms.max()) >= looked_ms
        if drift and is_later and watching.done.first(about):
            break
    return watching.finished()


class _Watching:
    """Feeds a watch, and counts.

    Parameters
    ----------
    drifts_ms
        Event time from which on something has drifted; None where nothing does.
    """

    def __init__(self, done: Watched, drifts_ms: int | None) -> None:
        charter = card_fraud()
        self.done, self._drifts_ms = done, drifts_ms
        nullable = nullable_fields(charter.events.schema)
        self._sketcher, self._watch = Sketcher(charter, nullable), Watch(charter, nullable)
        self._topic = f"{charter.name}."
        self._after = Seen(0, 0, 0)
        self._models = set[tuple[str, str]]()
        self._positives = _Positives(charter, drifts_ms)

    def take(self, step: Step) -> None:
        """Take in a batch."""
        began = time.process_time()
        for known in step.known:
            self._count(known)
            self._note(self._watch.outcome(known), known["known_at_ms"])
        last_ms = int(step.times_ms.max()) if len(step.times_ms) else 0
        self._models.add(step.model)
        sketches = [*self._of_events(step), *self._of_decisions(step)]
        after = 0 if self._drifts_ms is None else int((step.times_ms >= self._drifts_ms).sum())
        self._after = self._after._replace(events=self._after.events + after)
        quiet = len(step.records) if not self._after.events else 0
        self.done.events += len(step.records)
        self.done.quiet_events += quiet
        self.done.tried_events += quiet if self._positives.values else 0
        for sketch in sketches:
            self._note(self._watch.sketch(sketch), last_ms)
        self.done.watching_s += time.process_time() - began

    def finished(self) -> Watched:
        """Return all that was found."""
        self.done.versions = len(self._models)
        values = self._positives.values
        self.done.loss = [
            _mean([each for each, after in values if after == a]) for a in (False, True)
        ]
        self.done.tried = tried(values)
        return self.done

    def _count(self, known: Mapping[str, Any]) -> None:
        self._positives.take(known)
        if known["value"] is None or known["replaces"] is not None:
            return
        self.done.outcomes += 1
        if self._drifts_ms is not None and known["occurred_at_ms"] >= self._drifts_ms:
            after = self._after
            self._after = after._replace(
                outcomes=after.outcomes + 1, positives=after.positives + bool(known["value"])
            )

    def _of_events(self, step: Step) -> Sequence[Mapping[str, Any]]:
        stretch = _stretch(self._topic + "events", len(step.records))
        return self._sketcher.events(stretch, step.records, _last_ms(step))

    def _of_decisions(self, step: Step) -> Sequence[Mapping[str, Any]]:
        if not len(step.times_ms):
            return []
        stretch = _stretch(self._topic + "decisions", len(step.times_ms))
        return self._sketcher.vectors(
            stretch, step.matrix, step.scores, step.times_ms, _last_ms(step), step.model
        )

    def _note(self, noticed: Iterable[Noticed], at_ms: int) -> None:
        for each in noticed:
            if each.change.is_raised:
                after = self._after if self._after.events else None
                day = (at_ms - START_MS) / DAY_MS
                self.done.signals.append(
                    Signal(each.subject, each.kind, round(day, 2), each.once_in, after)
                )


class _Positives:
    """What positives cost the score: the values that other detectors are tried on."""

    def __init__(self, charter: Charter, drifts_ms: int | None) -> None:
        self._streams = OutcomeStreams(charter.labels.horizon_ms + charter.events.lateness_ms)
        self._drifts_ms = drifts_ms
        self.values: list[tuple[float, bool]] = []
        """Each with whether it is of what has drifted."""

    def take(self, known: Mapping[str, Any]) -> None:
        """Take in an outcome."""
        if self._streams.is_another_model(known):
            self.values.clear()
        self.values += self._of(known)

    def _of(self, known: Mapping[str, Any]) -> Iterator[tuple[float, bool]]:
        drifted = self._drifts_ms is not None and known["occurred_at_ms"] >= self._drifts_ms
        for subject, value in self._streams.values(known):
            if subject == POSITIVES:
                yield value.value, drifted


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _stretch(topic: str, records: int) -> Stretch:
    return Stretch(topic, 0, range(records), [0] * records, [_VALUE] * records)


def _last_ms(step: Step) -> int:
    last_ms: int = max(record["occurred_at_ms"] for record in step.records)
    return last_ms
