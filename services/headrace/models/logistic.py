"""A frozen logistic model."""

import numpy as np
from numpy.typing import NDArray

from headrace.models.artefact import Artefact
from headrace.models.trust import ModelUntrusted

PARAMETERS = ("mean", "scale", "weight")


class FrozenLogistic:
    """The sigmoid of an intercept and the weighted, standardised features.

    Parameters
    ----------
    artefact
        With the arrays ``intercept`` (1,) and ``mean``, ``scale``, ``weight`` (k,).

    Raises
    ------
    ModelUntrusted
        The arrays are others, do not fit the k features, or a scale is zero.
    """

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
        self._intercept = float(arrays["intercept"][0])
        self._terms = tuple(zip(*(arrays[name].tolist() for name in PARAMETERS), strict=True))

    def predict_proba(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score a batch.

        Parameters
        ----------
        matrix
            (n, k), finite.

        Returns
        -------
        (n,), from 0 to 1. A row's score does not depend on the other rows, to the last bit: terms
        are added one by one, where a matrix product would choose its order by the shape.
        """
        logits = np.full(len(matrix), self._intercept)
        for column, (mean, scale, weight) in zip(matrix.T, self._terms, strict=True):
            logits += (column - mean) / scale * weight
        small = np.exp(-np.abs(logits))  # never overflows
        scores: NDArray[np.float64] = np.where(logits < 0, small, 1.0) / (1.0 + small)
        return scores
