"""Logistic and linear regressions over standardised features."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Final

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass
from river import linear_model, optim, preprocessing

from headrace.models.manifest import Family
from headrace.models.zoo.learner import Frozen, Vector
from headrace.usecase.declared import STRICT


@dataclass(frozen=True, kw_only=True, config=STRICT)
class RegressionParameters:
    """How fast a regression learns."""

    learning_rate: Annotated[float, Field(strict=True, gt=0, le=1)] = 0.001
    """Of stochastic gradient descent; it does not fall, so that the model never stops learning."""
    l2: Annotated[float, Field(strict=True, ge=0, le=1)] = 0.0
    """How strongly weights are drawn to 0."""


_LEAST_VARIANCE: Final = 1e-290


class _Regression(ABC):
    """River's ``StandardScaler`` and one of its generalised linear models."""

    family: Family
    is_probability: bool
    river: ClassVar[Any]  # River's own types do not say what theirs have in common

    def __init__(self, parameters: RegressionParameters) -> None:
        rate = parameters.learning_rate
        self.scaler = preprocessing.StandardScaler()
        self.model = self.river(optimizer=optim.SGD(rate), l2=parameters.l2, intercept_lr=rate)

    @abstractmethod
    def predict_one(self, x: Vector) -> float:
        """Return what an event is expected to be."""

    def learn_one(self, x: Vector, y: float) -> None:
        """Take in what an event turned out to be."""
        self.scaler.learn_one(dict(x))
        self.model.learn_one(self.scaler.transform_one(dict(x)), y)

    def _scaled(self, x: Vector) -> dict[str, float]:
        """Scale a vector without what was never learned of: River would make a note of it."""
        known = {name: value for name, value in x.items() if name in self.scaler.counts}
        scaled: dict[str, float] = self.scaler.transform_one(known)
        return scaled

    def freeze(self, features: Sequence[str]) -> Frozen:
        """Return the intercept and the terms of these features."""
        scaler, weights = self.scaler, self.model.weights
        variances = [scaler.vars.get(name, 0.0) for name in features]
        weight = [  # River scales what has never varied to 0, whatever its value
            weights.get(name, 0.0) if variance > _LEAST_VARIANCE else 0.0
            for name, variance in zip(features, variances, strict=True)
        ]
        arrays = {
            "intercept": [self.model.intercept],
            "mean": [scaler.means.get(name, 0.0) for name in features],
            "scale": [
                variance**0.5 if variance > _LEAST_VARIANCE else 1.0 for variance in variances
            ],
            "weight": weight,
        }
        return Frozen(
            self.family, {name: np.array(array, np.float64) for name, array in arrays.items()}
        )


class LogisticLearner(_Regression):
    """River's ``LogisticRegression``."""

    family = "logistic"
    is_probability = True
    river = linear_model.LogisticRegression

    def predict_one(self, x: Vector) -> float:
        """Return the probability that an event is positive."""
        return float(self.model.predict_proba_one(self._scaled(x))[True])


class LinearLearner(_Regression):
    """River's ``LinearRegression``."""

    family = "linear"
    is_probability = False
    river = linear_model.LinearRegression

    def predict_one(self, x: Vector) -> float:
        """Return the value that is expected."""
        return float(self.model.predict_one(self._scaled(x)))
