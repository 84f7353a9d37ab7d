"""Gaussian naive Bayes."""

from collections.abc import Sequence

import numpy as np
from pydantic.dataclasses import dataclass
from river import naive_bayes

from headrace.models.zoo.classifier import Classifier
from headrace.models.zoo.learner import Frozen
from headrace.usecase.declared import STRICT


@dataclass(frozen=True, kw_only=True, config=STRICT)
class BayesParameters:
    """There is nothing to choose."""


class BayesLearner(Classifier):
    """River's ``GaussianNB``."""

    def __init__(self, _: BayesParameters) -> None:
        super().__init__(naive_bayes.GaussianNB())

    def freeze(self, features: Sequence[str]) -> Frozen:
        """Return it as a frozen naive Bayes."""
        mean, variance = np.zeros((len(features), 2)), np.zeros((len(features), 2))
        for label in (False, True):
            gaussians = self.model.gaussians.get(label, {})
            for place, name in enumerate(features):
                if name in gaussians and gaussians[name]._var.get() > 0:
                    mean[place, int(label)] = gaussians[name].mu
                    variance[place, int(label)] = gaussians[name]._var.get()
        count = [self.model.class_counts.get(label, 0) for label in (False, True)]
        return Frozen(
            "bayes",
            {
                "count": np.array(count, np.float64),
                "mean": mean,
                "variance": variance,
                "usual": np.array(self._usual.of(features), np.float64),
            },
        )
