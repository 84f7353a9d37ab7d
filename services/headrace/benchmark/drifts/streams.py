"""River's synthetic streams whose concept drifts, with a model that learns as it predicts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from math import log
from typing import Any, Final, NamedTuple

from river.datasets import synth
from river.datasets.base import SyntheticDataset

from headrace.benchmark.drifts.detectors import Tried, tried
from headrace.benchmark.drifts.watched import OF_OUTCOMES, card_fraud
from headrace.contracts.schemas import nullable_fields
from headrace.drift.watch import Watch
from headrace.models.zoo.families import new_learner
from headrace.models.zoo.learner import Learner, Vector

LEARNING: Final = 4_000
"""Outcomes that a model learns from before it serves; until then nothing is watched: a tree that
begins to grow is worse for a while after each of its first splits."""
PACES: Final = ("abrupt", "gradual")
_GRADUAL: Final = 2_000
"""Outcomes in which the new concept takes over, but for an eighth at either end."""
_ABRUPT: Final = 150
"""Of all outcomes before, one in so many is how long it takes abruptly: River's formula overflows
where that is much less.
"""
_MEASURED: Final = 1_000
"""Examples of either concept on which the model is measured when the drift begins."""
_LEAST: Final = 1e-6

Example = tuple[Vector, bool]


class Synthetic(NamedTuple):
    """A drift from one concept to another."""

    family: str
    """Of the model that learns."""
    parameters: Mapping[str, float]
    before: Callable[[int], SyntheticDataset]
    after: Callable[[int], SyntheticDataset]
    """By a seed."""


def _between(
    make: Callable[..., SyntheticDataset],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    family: str = "hoeffding-tree",
    seeded: str = "seed",
    **both: Any,
) -> Synthetic:
    def of(own: Mapping[str, Any]) -> Callable[[int], SyntheticDataset]:
        return lambda seed: make(**{seeded: seed, **both, **own})

    parameters = {"learning_rate": 0.02} if family == "logistic" else {}
    return Synthetic(family, parameters, of(before), of(after))


STREAMS: Final[Mapping[str, Synthetic]] = {
    "SEA": _between(synth.SEA, {"variant": 2}, {"variant": 3}, "logistic", noise=0.1),
    "hyperplane": Synthetic(
        "logistic",
        {"learning_rate": 0.02},
        lambda seed: synth.Hyperplane(seed=seed),
        lambda seed: synth.Hyperplane(seed=seed + 1_000_000),
    ),
    "Agrawal": _between(
        synth.Agrawal,
        {"classification_function": 0},
        {"classification_function": 2},
        balance_classes=True,
    ),
    "STAGGER": _between(
        synth.STAGGER,
        {"classification_function": 0},
        {"classification_function": 1},
        balance_classes=True,
    ),
    "random RBF": _between(
        synth.RandomRBF, {"seed_model": 1}, {"seed_model": 2}, seeded="seed_sample"
    ),
    "mixed": _between(
        synth.Mixed,
        {"classification_function": 0},
        {"classification_function": 1},
        "logistic",
        balance_classes=True,
    ),
}
"""By name: from a drift that matters to few examples to one that turns all round."""


class Followed(NamedTuple):
    """What was noticed on a stream, and when."""

    stream: str
    pace: str
    seed: int
    stationary: int
    """Outcomes before anything had drifted."""
    wrong_before: float
    wrong_after: float
    """Share of the model's errors on the two concepts, as it was when the drift began."""
    alarms: Sequence[str]
    """Subjects of the signals before that."""
    outcomes: int | None
    """From the beginning of the drift until a signal says that the model is wrong, or None."""
    positives: int | None
    subject: str
    """What that signal is about."""
    tried: Sequence[Tried]


def followed(stream: str, pace: str, seed: int, outcomes: int) -> Followed:
    """Let a model learn from a stream that drifts, and watch it.

    A drift begins where an eighth of the examples are of the new concept. Its tail reaches as far
    back as it is wide: a signal there is no false alarm, but has no delay.

    Parameters
    ----------
    outcomes
        How many there are before the drift, of the model that serves; and after that begins.
    """
    synthetic, skipped = STREAMS[stream], LEARNING + 2 * outcomes
    learner = new_learner(synthetic.family, synthetic.parameters)
    width = _width(pace, outcomes)
    watching = _Watching(outcomes, width)
    wrong = (0.0, 0.0)
    values = []
    for number, (x, is_positive) in enumerate(_examples(stream, pace, seed, outcomes), -LEARNING):
        if number == outcomes:
            concepts = synthetic.before(seed), synthetic.after(seed)
            wrong = _wrong(learner, concepts[0], skipped), _wrong(learner, concepts[1], skipped)
        score = learner.predict_one(x)
        learner.learn_one(x, is_positive)
        if number < 0:
            continue
        watching.take(score, is_positive=is_positive)
        values.append((_loss(score, is_positive=is_positive), number >= outcomes - width))
    return Followed(
        stream,
        pace,
        seed,
        max(0, outcomes - width),
        *wrong,
        watching.alarms,
        watching.outcomes,
        watching.positives,
        watching.subject,
        tried(values, early=min(width, outcomes)),
    )


def _examples(stream: str, pace: str, seed: int, outcomes: int) -> Iterator[Example]:
    synthetic, begins = STREAMS[stream], LEARNING + outcomes
    width = _width(pace, outcomes)
    drifting = synth.ConceptDriftStream(
        stream=synthetic.before(seed),
        drift_stream=synthetic.after(seed),
        position=begins + width // 2,
        width=width,
        seed=seed,
    )
    for x, y in islice(drifting, begins + outcomes):
        yield _named(x), bool(y)


def _width(pace: str, outcomes: int) -> int:
    return _GRADUAL if pace == "gradual" else max(1, (LEARNING + outcomes) // _ABRUPT)


def _named(x: Mapping[Any, Any]) -> Vector:
    return {str(name): float(value) for name, value in x.items()}


def _wrong(learner: Learner, dataset: SyntheticDataset, skipped: int) -> float:
    """Return the share of errors on examples that nobody learns from."""
    later = islice(dataset, skipped, skipped + _MEASURED)
    errors = [(learner.predict_one(_named(x)) >= 0.5) != bool(y) for x, y in later]
    return sum(errors) / _MEASURED


def _loss(score: float, *, is_positive: bool) -> float:
    score = min(max(score, _LEAST), 1 - _LEAST)
    return -log(score if is_positive else 1 - score)


class _Watching:
    """Feeds a watch with outcomes that are known at once, and counts.

    Parameters
    ----------
    stationary
        How many there are before the drift.
    width
        Of those, the last so many may have drifted a little.
    """

    def __init__(self, stationary: int, width: int) -> None:
        self._stationary, self._width = stationary, width
        charter = card_fraud()
        self._watch = Watch(charter, nullable_fields(charter.events.schema))
        self._settled_ms = charter.labels.horizon_ms + charter.events.lateness_ms
        self._number = 0
        self._drifted = [0, 0]
        self.alarms: list[str] = []
        self.outcomes: int | None = None
        self.positives: int | None = None
        self.subject = ""

    def take(self, score: float, *, is_positive: bool) -> None:
        """Take in an outcome."""
        self._number += 1
        is_drifted = self._number > self._stationary
        if is_drifted:
            self._drifted[0] += 1
            self._drifted[1] += is_positive
        for noticed in self._watch.outcome(self._outcome(score, is_positive=is_positive)):
            if not noticed.change.is_raised:
                continue
            if self._number <= self._stationary - self._width:
                self.alarms.append(noticed.subject)
            elif self.outcomes is None and noticed.subject.startswith(OF_OUTCOMES):
                self.outcomes, self.positives = self._drifted
                self.subject = noticed.subject

    def _outcome(self, score: float, *, is_positive: bool) -> Mapping[str, Any]:
        """Return what is known when nobody is waited for any more: so each of them counts."""
        return {
            "decision_id": str(self._number),
            "fallback": "",
            "model": "learning",
            "score": score,
            "occurred_at_ms": self._number,
            "known_at_ms": self._number + self._settled_ms,
            "delay_ms": self._settled_ms,
            "value": is_positive,
            "source": "at once",
            "replaces": None,
        }
