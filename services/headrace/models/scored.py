"""What every frozen model is: a function from vectors to scores, with what each feature added."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


class Scored(NamedTuple):
    """What a model says of a batch."""

    scores: NDArray[np.float64]
    """(n,)."""
    contributions: NDArray[np.float64]
    """(n, k): what each feature added to where the model begins; 0 where it is missing."""


class Predictor(Protocol):
    """A frozen model without its identity; built from plain arrays.

    A row's score does not depend on the other rows, to the last bit.
    """

    @property
    def bounds(self) -> tuple[float, float]:
        """What its scores lie within."""

    @property
    def usual(self) -> tuple[float, ...]:
        """(k,): the value of each feature that is nothing special."""

    def score(self, matrix: NDArray[np.float64]) -> Scored:
        """Score a batch (n, k); NaN is a feature that is missing."""


Build = Callable[[Mapping[str, NDArray[np.float64]], int], Predictor]
"""Builds a predictor from its arrays and the number of features, or raises `Misshapen`."""


class Misshapen(ValueError):
    """The arrays are not those of a model of this family and this number of features."""
