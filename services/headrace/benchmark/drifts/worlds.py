"""Simulated worlds, decided and learned from by the services' own code; no Kafka."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import numpy as np
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from numpy.typing import NDArray

from headrace.backtesting.labels import Known
from headrace.backtesting.labels import Truth as Horizon
from headrace.chassis.records import Received
from headrace.chassis.stages import StageClock
from headrace.chassis.state import KeyedState
from headrace.labelling.domain import Decision, Label
from headrace.learning.domain import Fold, Outcome
from headrace.models.frozen import FrozenModel
from headrace.models.learned import learned
from headrace.models.scorecard import freeze_scorecard
from headrace.scoring.domain import Decided, Scorer
from headrace.scoring.state import ScoringFormat
from headrace.simulator.kinds import REJECTED
from headrace.simulator.labels import labels_of
from headrace.simulator.scenario import Scenario
from headrace.simulator.traffic import SHARES, Traffic
from headrace.simulator.truth import Truth
from headrace.sketching.domain import Model
from headrace.usecase.charter import Charter
from headrace.usecase.entities import EntityLists
from headrace.usecase.history import HistoryFormat
from headrace.usecase.learning import LearnedModel, Learning

_BATCH: Final = 500
_SHARES: Final = {kind: share for kind, share in SHARES.items() if kind not in REJECTED}
_PARTITION: Final = 0
_MODEL: Final = "logistic"


class Step(NamedTuple):
    """A batch of events, and what has become known before it."""

    known: Sequence[Mapping[str, Any]]
    """What ``OutcomeKnown`` says of events before, as far as drift reads it."""
    records: Sequence[Mapping[str, Any]]
    """All events, duplicates among them."""
    matrix: NDArray[np.float64]
    """(n, k): the vectors of those that were decided."""
    scores: NDArray[np.float64]
    times_ms: NDArray[np.int64]
    """(n,) both."""
    model: Model


@dataclass(slots=True)
class _Waiting:
    """A decided event until all is known of it."""

    event_id: str
    at_ms: int
    vector: NDArray[np.float64]
    score: float
    model: str
    is_told: bool = False


class World:
    """A scenario of the simulator as a use case sees it.

    What becomes known depends on what was decided, and what is decided on what was learned.

    Parameters
    ----------
    charter
        That of card fraud; see :func:`with_one_model`.
    """

    def __init__(self, charter: Charter, scenario: Scenario) -> None:
        assert charter.learning is not None  # noqa: S101 -- one of ours
        self._charter, self._scenario = charter, scenario
        self._truth = Truth(scenario)
        self._fold = Fold(charter.learning, charter.feature_set.names)
        self._horizon = Horizon[_Waiting](charter)
        self._state = KeyedState(
            ScoringFormat(HistoryFormat(charter.retention_ms, charter.feature_set.layout))
        )
        self._now_ms = 0
        """Event time of the latest event so far."""
        self._serve(_scorecard(charter))

    def __iter__(self) -> Iterator[Step]:
        """Yield the whole world in its order; can be done once."""
        events, declared = self._events(), self._charter.events
        offset = 0
        while batch := list(islice(events, _BATCH)):
            known = list(self._known(self._now_ms))
            self._now_ms = max(self._now_ms, *(record[declared.time] for record in batch))
            received = [
                Received(_PARTITION, offset + n, each[declared.key], orjson.dumps(each), each, -1)
                for n, each in enumerate(batch)
            ]
            offset += len(batch)
            yield self._decided(batch, received, known)

    def _events(self) -> Iterator[dict[str, Any]]:
        scenario, declared = self._scenario, self._charter.events
        traffic = Traffic(
            scenario.seed,
            scenario.events,
            orjson.dumps,
            lateness_ms=declared.lateness_ms,
            duplicate_span_ms=declared.duplicate_span_ms,
            shares=_SHARES,
            drifts=scenario.drifts,
            days=scenario.days,
        )
        for publication in traffic:
            yield orjson.loads(publication.value or b"")

    def _decided(
        self,
        batch: Sequence[Mapping[str, Any]],
        received: Sequence[Received],
        known: Sequence[Mapping[str, Any]],
    ) -> Step:
        overlay = self._state.overlay()
        decided = self._scorer.decide(received, overlay, StageClock())
        overlay.merge({_PARTITION})
        packed = decided.decisions.columns["features"]
        rows = [packed[row] for row in range(len(decided.accepted))]
        matrix = np.array(rows).reshape(-1, len(self._charter.feature_set.names))
        scores = decided.judged.tried.scores
        times_ms = self._await(decided, matrix, scores)
        return Step(known, batch, matrix, scores, np.array(times_ms, np.int64), self._model)

    def _await(
        self, decided: Decided, matrix: NDArray[np.float64], scores: NDArray[np.float64]
    ) -> list[int]:
        """Let what will be said of the decided events wait, and return their times."""
        declared, acted = self._charter.events, self._charter.stage != "shadow"
        times_ms = []
        each = zip(decided.accepted, matrix, scores.tolist(), decided.judged.actions, strict=True)
        for fate, vector, score, action in each:
            event_id, at_ms = fate.event.record[declared.id], fate.event.record[declared.time]
            times_ms.append(at_ms)
            self._horizon.add(
                fate.event.offset,
                _Waiting(event_id, at_ms, vector, score, self._model.name),
                Decision(action, acted, at_ms),
                self._labels(event_id, action if acted else "approve", at_ms),
            )
        return times_ms

    def _labels(self, event_id: str, action: str, at_ms: int) -> list[Label]:
        number = self._truth.number(event_id)
        assert number is not None  # noqa: S101 -- an event of this world
        said = labels_of(
            self._scenario,
            number,
            fraudulent=self._truth.fraudulent(number),
            action=action,
            occurred_at_ms=at_ms,
        )
        return [
            Label(each.source, each.fraudulent, each.observed_at_ms, each.revision) for each in said
        ]

    def _known(self, until_ms: int) -> Iterator[Mapping[str, Any]]:
        """Yield what is known by then; models learn from it, and the newest serves at once."""
        for known in self._horizon.known(until_ms):
            waiting = known.what
            yield _outcome(known)
            waiting.is_told = True
            if known.value is None:
                continue
            outcome = Outcome(waiting.event_id, waiting.vector.tolist(), known.value)
            if self._fold.take(outcome):
                frozen = self._fold.freeze_one(_MODEL)
                taken = self._fold.taken
                artefact = learned(self._charter, _MODEL, frozen, taken, known.at_ms)
                self._serve(FrozenModel(artefact))

    def _serve(self, model: FrozenModel) -> None:
        self._model = Model(model.name, model.version)
        self._scorer = Scorer(
            self._charter,
            model,
            EntityLists({}),
            lambda: self._now_ms,
            f"{self._charter.name}.events",
            1,
        )


def with_one_model(charter: Charter, freeze_every: int = 5_000) -> Charter:
    """Return the charter with a logistic regression alone, frozen after so many outcomes each."""
    model = LearnedModel(family=_MODEL, parameters={"learning_rate": 0.02})
    learning = Learning(
        champion=_MODEL, negatives_share=0.2, freeze_every=freeze_every, models={_MODEL: model}
    )
    return charter.model_copy(update={"learning": learning})


def _scorecard(charter: Charter) -> FrozenModel:
    with TemporaryDirectory() as folder:
        key = Ed25519PrivateKey.generate()
        return FrozenModel(freeze_scorecard(charter, Path(folder), key, 0))


def _outcome(known: Known[_Waiting]) -> Mapping[str, Any]:
    waiting = known.what
    return {
        "decision_id": waiting.event_id,
        "fallback": "",
        "model": waiting.model,
        "score": waiting.score,
        "occurred_at_ms": waiting.at_ms,
        "known_at_ms": known.at_ms,
        "delay_ms": known.at_ms - waiting.at_ms,
        "value": known.value,
        "source": known.source,
        "replaces": waiting.event_id if waiting.is_told else None,
    }
