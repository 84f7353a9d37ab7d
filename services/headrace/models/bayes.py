"""Frozen naive Bayes: a Gaussian for each feature and class."""

from collections.abc import Mapping
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from headrace.models.scored import Misshapen, Scored

LEAST_DENSITY: Final = 1e-9
"""Is added to every density, as River does: no value is impossible."""
_LOG_LEAST: Final = float(np.log(LEAST_DENSITY))
_TAU: Final = 2 * np.pi


class BayesPredictor:
    """The odds of the classes by Bayes' rule, as if features did not depend on each other.

    Parameters
    ----------
    arrays
        ``count`` (2,), outcomes of each class; ``mean``, ``variance`` (k, 2), where a variance of 0
        is a feature of which too little is known; ``usual`` (k,).
    features
        k.

    Raises
    ------
    Misshapen
        The arrays are others, do not fit the k features, or hold what is no count or variance.
    """

    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def __init__(self, arrays: Mapping[str, NDArray[np.float64]], features: int) -> None:
        shapes = {name: array.shape for name, array in arrays.items()}
        wanted = {
            "count": (2,),
            "mean": (features, 2),
            "variance": (features, 2),
            "usual": (features,),
        }
        if shapes != wanted or (arrays["count"] < 0).any() or (arrays["variance"] < 0).any():
            raise Misshapen(f"{shapes}, not {wanted} with counts and variances")
        self.usual: tuple[float, ...] = tuple(arrays["usual"].tolist())
        self._count: tuple[float, float] = tuple(arrays["count"].tolist())
        self._terms = list(zip(arrays["mean"].tolist(), arrays["variance"].tolist(), strict=True))
        negative, positive = self._count
        both = negative > 0 and positive > 0
        self._logit = float(np.log(positive / negative)) if both else 0.0
        self.base = positive / (negative + positive) if both else float(positive > 0)
        """The score where no feature says anything."""

    def score(self, matrix: NDArray[np.float64]) -> Scored:
        """Score a batch (n, k); what is missing, NaN, says nothing.

        Contributions are logits: how much likelier the value is among the positives.
        """
        contributions = np.zeros(matrix.shape)
        logits = np.full(len(matrix), self._logit)
        for column, contribution, (means, variances) in zip(
            matrix.T, contributions.T, self._terms, strict=True
        ):
            negative, positive = map(_log_density, (column, column), means, variances)
            contribution[:] = np.where(np.isnan(column), 0.0, positive - negative)
            logits += contribution
        if min(self._count) > 0:
            small = np.exp(-np.abs(logits))
            return Scored(np.where(logits < 0, small, 1.0) / (1.0 + small), contributions)
        # It has heard of one class, or of none.
        return Scored(np.full(len(matrix), self.base), np.zeros(matrix.shape))


def _log_density(values: NDArray[np.float64], mean: float, variance: float) -> NDArray[np.float64]:
    if variance == 0:
        return np.full(len(values), _LOG_LEAST)
    with np.errstate(all="ignore"):  # far out, it is the least density
        densities = np.exp(-((values - mean) ** 2) / (2 * variance)) / np.sqrt(_TAU * variance)
    logs: NDArray[np.float64] = np.log(LEAST_DENSITY + densities)
    return logs
