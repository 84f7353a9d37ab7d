"""Deciding recorded events in their order, and learning from what they were."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import numpy as np
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from numpy.typing import NDArray

from headrace.backtesting.labels import Known, Truth
from headrace.chassis.records import Received
from headrace.chassis.stages import StageClock
from headrace.chassis.state import KeyedState
from headrace.errors import HeadraceError
from headrace.labelling.domain import Decision, Label
from headrace.learning.domain import Fold, Outcome
from headrace.models.frozen import FrozenModel
from headrace.models.learned import learned
from headrace.models.scorecard import freeze_scorecard
from headrace.scoring.domain import Decided, Scorer
from headrace.scoring.state import ScoringFormat
from headrace.usecase.charter import Charter
from headrace.usecase.entities import EntityLists
from headrace.usecase.history import HistoryFormat

BATCH: Final = 500
"""At most so many events are decided together."""
SCORECARD: Final = "expert scorecard"
SERVED: Final = "as served"
"""Names that no model of a charter can have."""
_PARTITION: Final = 0
_NEVER_MS: Final = 2**62


class Event(NamedTuple):
    """A recorded event, and what is said of it afterwards."""

    record: Mapping[str, Any]
    labels: Sequence[Label] = ()
    """All that it will ever have."""
    is_positive: bool | None = None
    """What it really was; None where only its labels tell."""
    value: bytes | None = None
    """Its bytes; None where it has not been any."""

    @property
    def may_be_positive(self) -> bool:
        """Whether it was positive, or somebody says so."""
        if self.is_positive is None:
            return any(label.value for label in self.labels)
        return self.is_positive


class Batch(NamedTuple):
    """What came of a batch of events."""

    rows: list[int]
    """Which of the events were decided: the others are duplicates or faulty."""
    matrix: NDArray[np.float64]
    """(n, k): their vectors."""
    scores: Mapping[str, NDArray[np.float64]]
    """By model, (n,) each: what decided is ``SERVED``; a model that was never frozen is absent."""
    rejected: int
    known: Sequence[Known["Waiting"]]
    """What was learned of events before."""


class Waiting(NamedTuple):
    """What is kept of an event that was decided, until it is known what it was."""

    event_id: str
    vector: Sequence[float]


class _Version(NamedTuple):
    """What was frozen at a moment."""

    since_ms: int
    """When the last label became known that is in it."""
    models: Mapping[str, FrozenModel]
    scorer: Scorer


class Replay:
    """A use case in process.

    Parameters
    ----------
    charter
        In stage shadow every event goes through, and so all of them become known. In another stage
        nobody hears what a stopped event would have been.

    Raises
    ------
    HeadraceError
        The charter learns nothing, or declares what cannot be learned.
    """

    def __init__(self, charter: Charter) -> None:
        if charter.learning is None:
            raise HeadraceError(
                f"The charter {charter.name} learns nothing.", fix="Declare [learning]."
            )
        self._charter = charter
        self._champion = charter.learning.champion
        self._lateness_ms = charter.events.lateness_ms
        self._fold = Fold(charter.learning, charter.feature_set.names)
        self._state = KeyedState(
            ScoringFormat(HistoryFormat(charter.retention_ms, charter.feature_set.layout))
        )
        self._profiles = charter.feature_set.new_profiles(charter.events.lateness_ms)
        self._for_profiles = Truth[Mapping[str, Any]](charter)
        self._for_models = Truth[Waiting](charter)
        self._row = count()
        self._now_ms = self._learned_ms = 0
        first = _scorecard(charter)
        self._frozen = [_Version(0, {SCORECARD: first}, self._scorer_of(first))]
        """The versions that an event to come may be decided by, the newest last."""

    @property
    def versions(self) -> Mapping[str, str]:
        """The models that there are now, and their versions."""
        return {name: model.version for name, model in self._frozen[-1].models.items()}

    @property
    def learned(self) -> bytes:
        """Digest of all that the models have learned."""
        return self._fold.digest()

    def batches(self, events: Iterable[Event]) -> Iterator[list[Event]]:
        """Cut events so that no label of a batch is known before the batch is over.

        A batch is short beside the time in which labels come, and ends before the first of its own.

        Raises
        ------
        HeadraceError
            An event is further behind than the charter waits for: what came before it, and what
            was known by then, cannot be told.
        """
        batch: list[Event] = []
        fields, began_ms, latest_ms, told_ms = self._charter.events, 0, 0, _NEVER_MS
        for row, event in enumerate(events, 1):
            at_ms = event.record[fields.time]
            if at_ms < latest_ms - fields.lateness_ms:
                raise HeadraceError(
                    f"The recording is not in the order of its times: row {row} is "
                    f"{(latest_ms - at_ms) / 1_000:,.0f} s before the latest one above it.",
                    fix="Sort it by time, leave that latest one out if its time is wrong, or let "
                    "the charter's lateness cover it.",
                )
            latest_ms = max(latest_ms, at_ms)
            if batch and (
                len(batch) == BATCH
                or abs(at_ms - began_ms) >= self._for_models.soonest_ms // 2
                or at_ms >= told_ms
            ):
                yield batch
                batch, told_ms = [], _NEVER_MS
            began_ms = began_ms if batch else at_ms
            batch.append(event)
            told_ms = min([told_ms, *(label.observed_at_ms for label in event.labels)])
        if batch:
            yield batch

    def decide(self, events: Sequence[Event]) -> Batch:
        """Decide one of :meth:`batches`, by models that know no more than was known by then."""
        times_ms = [event.record[self._charter.events.time] for event in events]
        known = self._for_models.known(min(times_ms))
        self._learn(known)
        version = self._version_at(min(times_ms))
        self._now_ms = max(times_ms)
        received = [self._received(event, next(self._row)) for event in events]
        overlay = self._state.overlay()
        decided = version.scorer.decide(received, overlay, StageClock())
        overlay.merge({_PARTITION})
        matrix = _matrix(decided, len(self._charter.feature_set.names))
        rows = [fate.event.offset for fate in decided.accepted]
        first = received[0].offset
        self._await(decided, matrix, [events[row - first].labels for row in rows])
        scores = {name: model.score(matrix).scores for name, model in version.models.items()}
        scores[SERVED] = decided.judged.tried.scores
        return Batch(rows, matrix, scores, len(decided.rejected), known)

    def rest(self, until_ms: int) -> Sequence[Known[Waiting]]:
        """Take out what is known by then, and learn nothing from it."""
        return self._for_models.known(until_ms)

    def _version_at(self, at_ms: int) -> _Version:
        """Return the newest version of a moment, and forget those that no event can ask for.

        An event that comes late is decided as it was at its time, whatever is known by now.
        """
        frozen = self._frozen
        while len(frozen) > 1 and frozen[1].since_ms <= at_ms - self._lateness_ms:
            del frozen[0]
        by_then = [version for version in frozen if version.since_ms <= at_ms]
        return by_then[-1] if by_then else frozen[0]

    def _received(self, event: Event, row: int) -> Received:
        record, fields = dict(event.record), self._charter.events
        value = orjson.dumps(record) if event.value is None else event.value
        return Received(_PARTITION, row, record[fields.key], value, record, -1)

    def _look_up(self, record: Mapping[str, Any]) -> list[float]:
        """Measure an event's profiles: by all events before it, and all labels known by then."""
        for known in self._for_profiles.known(record[self._charter.events.time]):
            if known.value:
                self._profiles.learn(known.what)
            elif known.was_positive:
                self._profiles.retract(known.what)
        measured = self._profiles.measure(record)
        self._profiles.observe(record)
        return measured

    def _await(
        self, decided: Decided, matrix: NDArray[np.float64], labels: Sequence[Sequence[Label]]
    ) -> None:
        """Let what is said of the decided events wait until it is known."""
        fields, acted = self._charter.events, self._charter.stage != "shadow"
        each = zip(decided.accepted, matrix.tolist(), labels, decided.judged.actions, strict=True)
        for fate, vector, told, action in each:
            record, row = fate.event.record, fate.event.offset
            decision = Decision(action, acted, record[fields.time])
            self._for_models.add(row, Waiting(record[fields.id], vector), decision, told)
            if self._charter.profiles:
                self._for_profiles.add(row, record, decision, told)

    def _learn(self, known: Sequence[Known[Waiting]]) -> None:
        """Learn from what has become known; the champion changes between two batches."""
        for each in known:
            self._learned_ms = max(self._learned_ms, each.at_ms)
            event_id, vector = each.what
            if each.value is not None and self._fold.take(Outcome(event_id, vector, each.value)):
                self._freeze(self._learned_ms)

    def _freeze(self, now_ms: int) -> None:
        models = dict(self._frozen[-1].models)
        for name, frozen in self._fold.freeze().items():
            artefact = learned(self._charter, name, frozen, self._fold.taken, now_ms)
            models[name] = FrozenModel(artefact)
        self._frozen.append(_Version(now_ms, models, self._scorer_of(models[self._champion])))

    def _scorer_of(self, model: FrozenModel) -> Scorer:
        charter = self._charter
        return Scorer(
            charter,
            model,
            EntityLists({}),
            lambda: self._now_ms,
            f"{charter.name}.events",
            1,
            self._look_up if charter.profiles else None,
        )


def _scorecard(charter: Charter) -> FrozenModel:
    with TemporaryDirectory() as folder:
        key = Ed25519PrivateKey.generate()
        return FrozenModel(freeze_scorecard(charter, Path(folder), key, 0))


def _matrix(decided: Decided, features: int) -> NDArray[np.float64]:
    packed = decided.decisions.columns["features"]
    return np.array([packed[row] for row in range(len(decided.accepted))]).reshape(-1, features)
