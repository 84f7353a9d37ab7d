"""What the zoo's classifiers have in common."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from headrace.models.zoo.learner import Vector


class Usual:
    """Means of the features seen so far."""

    def __init__(self) -> None:
        self._sums: defaultdict[str, float] = defaultdict(float)
        self._counts: defaultdict[str, int] = defaultdict(int)

    def learn_one(self, x: Vector) -> None:
        """Take in a vector."""
        for name, value in x.items():
            self._sums[name] += value
            self._counts[name] += 1

    def of(self, features: Sequence[str]) -> list[float]:
        """Return the mean of each feature; 0 for one that was never seen."""
        return [
            self._sums[name] / self._counts[name] if name in self._counts else 0.0
            for name in features
        ]


class Classifier:
    """One of River's classifiers, which tells positives from negatives.

    Parameters
    ----------
    model
        It has learned nothing.
    """

    is_probability = True

    def __init__(self, model: Any) -> None:
        self.model = model
        self._usual = Usual()

    def learn_one(self, x: Vector, y: float) -> None:
        """Take in what an event turned out to be."""
        self._usual.learn_one(x)
        self.model.learn_one(dict(x), bool(y))

    def predict_one(self, x: Vector) -> float:
        """Return the probability that an event is positive, 0 before anything was learned."""
        return float(self.model.predict_proba_one(dict(x)).get(True, 0.0))
