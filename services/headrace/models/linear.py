"""Frozen linear models: a sum of terms, one for each feature."""

from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from headrace.models.artefact import Artefact
from headrace.models.trust import ModelUntrusted

PARAMETERS = ("mean", "scale", "weight")


class Scored(NamedTuple):
    """What a model says of a batch."""

    scores: NDArray[np.float64]
    """(n,)."""
    contributions: NDArray[np.float64]
    """(n, k): what each feature added to the sum, which begins with the intercept."""


class FrozenLinear:
    """A regression: the intercept and the weighted, standardised features.

    Parameters
    ----------
    artefact
        With the arrays ``intercept`` (1,) and ``mean``, ``scale``, ``weight`` (k,).

    Raises
    ------
    ModelUntrusted
        The arrays are others, do not fit the k features, or a scale is zero.
    """

    bounds: ClassVar[tuple[float, float]] = (-float("inf"), float("inf"))
    """What its scores lie within."""

    def __init__(self, artefact: Artefact) -> None:
        manifest, arrays = artefact.manifest, artefact.arrays
        shapes = {name: array.shape for name, array in arrays.items()}
        wanted = {"intercept": (1,), **dict.fromkeys(PARAMETERS, (len(manifest.features),))}
        if shapes != wanted or not arrays["scale"].all():
            raise ModelUntrusted(
                f"The model {manifest.name} {manifest.version} has arrays {shapes}, not {wanted} "
                "with scales other than zero.",
                fix="Freeze it again.",
            )
        self.name = manifest.name
        self.version = manifest.version
        self.digest = artefact.digest
        self.usual: tuple[float, ...] = tuple(arrays["mean"].tolist())
        """The value at which each feature adds nothing."""
        self._intercept = float(arrays["intercept"][0])
        self._terms = tuple(zip(*(arrays[name].tolist() for name in PARAMETERS), strict=True))

    def score(self, matrix: NDArray[np.float64]) -> Scored:
        """Score a batch.

        Parameters
        ----------
        matrix
            (n, k), finite.

        Returns
        -------
        A row's score does not depend on the other rows, to the last bit: terms are added one by
        one, where a matrix product would choose its order by the shape.
        """
        sums = np.full(len(matrix), self._intercept)
        contributions = np.empty_like(matrix)
        columns = zip(matrix.T, contributions.T, self._terms, strict=True)
        for column, contribution, (mean, scale, weight) in columns:
            contribution[:] = (column - mean) / scale * weight
            sums += contribution
        return Scored(self._linked(sums), contributions)

    def _linked(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        return sums
