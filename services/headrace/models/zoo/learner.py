"""What every model of the zoo can do."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from headrace.models.manifest import Family

Vector = Mapping[str, float]
"""An event's features by name; one that is missing is not in it."""


class Frozen(NamedTuple):
    """A model as it stands at a moment: what a predictor of its family is built from."""

    family: Family
    arrays: dict[str, NDArray[np.float64]]


class Learner(Protocol):
    """Learns from one outcome after the other."""

    @property
    def is_probability(self) -> bool:
        """Whether it predicts how likely an event is positive, or else a value."""

    def learn_one(self, x: Vector, y: float) -> None:
        """Take in what an event turned out to be: positive or not, or its value."""

    def predict_one(self, x: Vector) -> float:
        """Return the probability that an event is positive, or the value that is expected.

        It changes nothing.
        """

    def freeze(self, features: Sequence[str]) -> Frozen:
        """Return the model for vectors of these features, in this order.

        Its scores are those of :meth:`predict_one` within 1e-9. What it has learned of other
        features is left out.
        """
