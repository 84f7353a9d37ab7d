"""The fold: outcomes in, models out; no Kafka, no clock, no randomness but what is declared."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

import numpy as np

from headrace.errors import HeadraceError
from headrace.models.frozen import among_all
from headrace.models.zoo.digest import state_digest
from headrace.models.zoo.families import new_learner
from headrace.models.zoo.learner import Frozen, Learner, Vector
from headrace.models.zoo.mean import MeanLearner
from headrace.usecase.learning import LearnedModel, Learning

_SALT = b"learned from: "


class Outcome(NamedTuple):
    """What a decided event turned out to be."""

    event_id: str
    vector: Sequence[float]
    """The features as the decision saw them."""
    is_positive: bool


class Fold:
    """Several models that learn side by side from the same outcomes, one after the other.

    Parameters
    ----------
    learning
        What is declared.
    features
        Their names, in the order of the vectors.

    Raises
    ------
    HeadraceError
        There is no such family, it has no such parameters, or it predicts a value, where outcomes
        are positive or negative.
    """

    def __init__(self, learning: Learning, features: Sequence[str]) -> None:
        self._share = learning.negatives_share
        self._freeze_every = learning.freeze_every
        self._features = tuple(features)
        self._learners = _learners(learning.models)
        for name, learner in self._learners.items():
            if not learner.is_probability:
                raise HeadraceError(
                    f"The model {name} predicts a value, and an outcome is positive or negative.",
                    fix="Declare a family that predicts a probability, such as logistic.",
                )
        self._learning = [
            (name, learner)
            for name, learner in self._learners.items()
            if not isinstance(learner, MeanLearner)
        ]
        self._means = {
            name: [(member, weight / sum(model.mean_of.values())) for member, weight in members]
            for name, model in learning.models.items()
            if (members := list(model.mean_of.items()))
        }
        self.taken = 0
        """Outcomes so far, those included that nothing was learned from."""

    def take(self, outcome: Outcome) -> bool:
        """Learn from an outcome, and tell whether the models are to be frozen now.

        Raises
        ------
        HeadraceError
            A feature is so large that a model cannot compute with it.
        """
        self.taken += 1
        if outcome.is_positive or is_drawn(outcome.event_id, self._share):
            x: Vector = dict(zip(self._features, outcome.vector, strict=True))
            for name, learner in self._learning:
                try:
                    learner.learn_one(x, outcome.is_positive)
                except OverflowError:
                    raise _unbounded(name) from None
        return self.taken % self._freeze_every == 0

    def predict(self, vector: Sequence[float]) -> dict[str, float]:
        """Return each model's probability that an event is positive; it changes nothing.

        Raises
        ------
        HeadraceError
            A feature is so large that a model cannot compute with it.
        """
        x: Vector = dict(zip(self._features, vector, strict=True))
        said: dict[str, float] = {}
        for name, learner in self._learning:
            try:
                said[name] = learner.predict_one(x)
            except OverflowError:
                raise _unbounded(name) from None
        for name, weights in self._means.items():
            said[name] = sum(weight * said[member] for member, weight in weights)
        corrected = among_all(np.array([said[name] for name in self._learners]), self._share)
        return dict(zip(self._learners, corrected.tolist(), strict=True))

    def freeze(self) -> dict[str, Frozen]:
        """Return all models as they are now, by name.

        Raises
        ------
        HeadraceError
            A model has learned numbers that are not finite.
        """
        return {name: self.freeze_one(name) for name in self.names}

    @property
    def names(self) -> Sequence[str]:
        """The models' names."""
        return list(self._learners)

    def freeze_one(self, name: str) -> Frozen:
        """Return one model as it is now; raises as :meth:`freeze`."""
        frozen = self._learners[name].freeze(self._features)
        if not all(np.isfinite(array).all() for array in frozen.arrays.values()):
            raise _unbounded(name)
        return frozen

    def digest(self) -> bytes:
        """Return the digest of all that was learned: two folds with the same one go on alike."""
        return state_digest((self.taken, list(self._learners.items())))


def is_drawn(event_id: str, share: float) -> bool:
    """Tell whether a negative is learned from: a matter of its id, so the same in every replay."""
    drawn = sha256(_SALT + event_id.encode()).digest()[:8]
    return int.from_bytes(drawn) < share * 2.0**64


def _unbounded(model: str) -> HeadraceError:
    """Return the error of a model that cannot compute with what it is given."""
    return HeadraceError(
        f"The model {model} cannot learn: a feature is too large to compute with.",
        fix="Clip the feature in the charter, or give a ratio a smaller default.",
    )


def _learners(models: Mapping[str, LearnedModel]) -> dict[str, Learner]:
    """Return the models of the families, then the means of them."""
    learners: dict[str, Learner] = {
        name: new_learner(model.family, model.parameters)
        for name, model in models.items()
        if model.family is not None
    }
    means = {
        name: MeanLearner([(learners[of], weight) for of, weight in model.mean_of.items()])
        for name, model in models.items()
        if model.mean_of
    }
    return learners | means
