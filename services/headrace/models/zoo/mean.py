"""A weighted mean of models that learn side by side."""

from collections.abc import Sequence

import numpy as np

from headrace.models.zoo.learner import Frozen, Learner, Vector


class MeanLearner:
    """The weighted mean of what other models say; it learns nothing itself.

    Parameters
    ----------
    members
        The models and their weights, which are positive.
    """

    def __init__(self, members: Sequence[tuple[Learner, float]]) -> None:
        total = sum(weight for _, weight in members)
        self._members = [(learner, weight / total) for learner, weight in members]

    @property
    def is_probability(self) -> bool:
        """Whether it predicts how likely an event is positive: where all members do."""
        return all(learner.is_probability for learner, _ in self._members)

    def learn_one(self, x: Vector, y: float) -> None:
        """Do nothing: the members learn by themselves."""

    def predict_one(self, x: Vector) -> float:
        """Return the mean of what the members predict."""
        return sum(weight * learner.predict_one(x) for learner, weight in self._members)

    def freeze(self, features: Sequence[str]) -> Frozen:
        """Return the frozen mean of the frozen members."""
        arrays = {"weight": np.array([weight for _, weight in self._members], np.float64)}
        for number, (learner, _) in enumerate(self._members):
            family, parts = learner.freeze(features)
            arrays |= {f"{number}/{family}/{name}": array for name, array in parts.items()}
        return Frozen("mean", arrays)
