"""A frozen logistic model."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from headrace.models.linear import FrozenLinear


class FrozenLogistic(FrozenLinear):
    """The sigmoid of an intercept and the weighted, standardised features: a probability."""

    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def predict_proba(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probabilities, (n,), of a batch (n, k), as :meth:`score` does."""
        return self.score(matrix).scores

    def _linked(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        small = np.exp(-np.abs(sums))  # never overflows
        scores: NDArray[np.float64] = np.where(sums < 0, small, 1.0) / (1.0 + small)
        return scores
