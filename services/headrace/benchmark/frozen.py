"""Frozen models beside River's own prediction: how much quicker a batch of vectors is scored."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from headrace.models.frozen import PREDICTORS
from headrace.models.zoo.families import new_learner
from headrace.models.zoo.learner import Learner

BATCH: Final = 500
FEATURES: Final = 30
_OUTCOMES: Final = 3_000
_TURNS: Final = 9
_Outcome = tuple[dict[str, float], bool]
MODELS: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "logistic": ("logistic", {}),
    "Hoeffding tree": ("hoeffding-tree", {"grace_period": 50, "confidence": 0.01}),
    "forest of 10": ("adaptive-forest", {"trees": 10}),
}


@dataclass(frozen=True)
class Quickness:
    """One model's prediction of a batch, in µs a vector: medians of several turns."""

    model: str
    river_us: float
    frozen_us: float
    ratio: float


def measure(seed: int) -> list[Quickness]:
    """Teach each model the same seeded outcomes, and time both ways in turn."""
    rnd = random.Random(seed)  # noqa: S311 -- no secret
    outcomes = [_outcome(rnd) for _ in range(_OUTCOMES)]
    vectors = [_outcome(rnd)[0] for _ in range(BATCH)]
    return [_timed(name, outcomes, vectors) for name in MODELS]


def _outcome(rnd: random.Random) -> _Outcome:
    x = {f"feature-{n}": rnd.gauss(0, 1) for n in range(FEATURES)}
    return x, x["feature-0"] + x["feature-1"] * x["feature-2"] > 1


def _timed(
    name: str,
    outcomes: Sequence[tuple[dict[str, float], bool]],
    vectors: Sequence[dict[str, float]],
) -> Quickness:
    learner = new_learner(*MODELS[name])
    for x, y in outcomes:
        learner.learn_one(x, y)
    names = list(vectors[0])
    family, arrays = learner.freeze(names)
    predictor = PREDICTORS[family](arrays, FEATURES)
    matrix: NDArray[np.float64] = np.array([list(x.values()) for x in vectors])
    ratios, rivers, frozens = [], [], []
    for _ in range(_TURNS):
        rivers.append(_us(lambda: _one_by_one(learner, vectors)))
        frozens.append(_us(lambda: predictor.score(matrix)))
        ratios.append(rivers[-1] / frozens[-1])
    return Quickness(name, median(rivers), median(frozens), median(ratios))


def _one_by_one(learner: Learner, vectors: Sequence[dict[str, float]]) -> None:
    for x in vectors:
        learner.predict_one(x)


def _us(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return (time.perf_counter() - began) / BATCH * 1e6
