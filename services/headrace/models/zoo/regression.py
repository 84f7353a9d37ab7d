"""Hoeffding trees that predict a value."""

from collections.abc import Sequence

import numpy as np
from river import tree

from headrace.models.zoo.classifier import Usual
from headrace.models.zoo.flattening import ValueTable
from headrace.models.zoo.forest import GrowthParameters, growth
from headrace.models.zoo.learner import Frozen, Vector


class RegressionTreeLearner:
    """River's ``HoeffdingTreeRegressor``; a leaf predicts the mean of what it has seen.

    Ikonomovska, Gama and Džeroski, "Learning model trees from evolving data streams", 2011.
    """

    is_probability = False

    def __init__(self, parameters: GrowthParameters) -> None:
        self.model = tree.HoeffdingTreeRegressor(leaf_prediction="mean", **growth(parameters))
        self._usual = Usual()

    def learn_one(self, x: Vector, y: float) -> None:
        """Take in what an event turned out to be."""
        self._usual.learn_one(x)
        self.model.learn_one(dict(x), y)

    def predict_one(self, x: Vector) -> float:
        """Return the value that is expected, 0 before anything was learned."""
        return float(self.model.predict_one(dict(x)))

    def freeze(self, features: Sequence[str]) -> Frozen:
        """Return it as a frozen tree."""
        table = ValueTable(features)
        table.add(self.model)
        usual = np.array(self._usual.of(features), np.float64)
        return Frozen("tree", {"usual": usual, **table.arrays()})
