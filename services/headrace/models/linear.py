"""Frozen linear models: a sum of terms, one for each feature; or the sigmoid of that."""

from collections.abc import Mapping
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from headrace.models.scored import Misshapen, Scored

PARAMETERS: Final = ("mean", "scale", "weight")
_LEAST_SCALE: Final = 1e-150
"""Smaller ones turn ordinary numbers into infinite ones."""


class LinearPredictor:
    """A regression: the intercept and the weighted, standardised features.

    Parameters
    ----------
    arrays
        ``intercept`` (1,) and ``mean``, ``scale``, ``weight`` (k,).
    features
        k.

    Raises
    ------
    Misshapen
        The arrays are others, do not fit the k features, or a scale is zero.
    """

    bounds: ClassVar[tuple[float, float]] = (-float("inf"), float("inf"))

    def __init__(self, arrays: Mapping[str, NDArray[np.float64]], features: int) -> None:
        shapes = {name: array.shape for name, array in arrays.items()}
        wanted = {"intercept": (1,), **dict.fromkeys(PARAMETERS, (features,))}
        if shapes != wanted or (np.abs(arrays["scale"]) < _LEAST_SCALE).any():
            raise Misshapen(f"{shapes}, not {wanted} with scales other than zero")
        self.usual: tuple[float, ...] = tuple(arrays["mean"].tolist())
        self._intercept = float(arrays["intercept"][0])
        self.base = float(self._linked(np.array([self._intercept]))[0])
        """The score where all features add nothing."""
        self._terms = tuple(zip(*(arrays[name].tolist() for name in PARAMETERS), strict=True))

    def score(self, matrix: NDArray[np.float64]) -> Scored:
        """Score a batch (n, k); what is missing, NaN, adds nothing.

        Terms are added one by one, where a matrix product would choose its order by the shape.
        """
        sums = np.full(len(matrix), self._intercept)
        contributions = np.empty_like(matrix)
        columns = zip(matrix.T, contributions.T, self._terms, strict=True)
        for column, contribution, (mean, scale, weight) in columns:
            contribution[:] = (column - mean) / scale * weight
            contribution[np.isnan(column)] = 0.0
            sums += contribution
        return Scored(self._linked(sums), contributions)

    def _linked(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        return sums


class LogisticPredictor(LinearPredictor):
    """The sigmoid of an intercept and the weighted, standardised features: a probability."""

    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def _linked(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        small = np.exp(-np.abs(sums))  # never overflows
        scores: NDArray[np.float64] = np.where(sums < 0, small, 1.0) / (1.0 + small)
        return scores
