"""A model as it serves: who it is, and what it says."""

from collections.abc import Mapping
from typing import Final, get_args

import numpy as np
from numpy.typing import NDArray

from headrace.models.artefact import Artefact
from headrace.models.manifest import Family
from headrace.models.mean import MEMBERS, MeanPredictor
from headrace.models.scored import Build, Misshapen, Scored
from headrace.models.trust import ModelUntrusted

PREDICTORS: Final[Mapping[str, Build]] = {**MEMBERS, "mean": MeanPredictor}
assert set(PREDICTORS) == set(get_args(Family))  # noqa: S101 -- each family that can be signed


class FrozenModel:
    """A verified model of n features.

    Parameters
    ----------
    artefact
        What was signed.

    Raises
    ------
    ModelUntrusted
        The arrays are not those of a model of its family for its features.
    """

    def __init__(self, artefact: Artefact) -> None:
        manifest = artefact.manifest
        self.name = manifest.name
        self.version = manifest.version
        self.digest = artefact.digest
        self._share = manifest.negatives_share
        try:
            self._predictor = PREDICTORS[manifest.family](artefact.arrays, len(manifest.features))
        except Misshapen as error:
            raise ModelUntrusted(
                f"The model {manifest.name} {manifest.version} has {error}.",
                fix="Freeze it again.",
            ) from None
        self.bounds = self._predictor.bounds
        """What its scores lie within."""
        self.usual = self._predictor.usual
        """The value of each feature that is nothing special."""

    def score(self, matrix: NDArray[np.float64]) -> Scored:
        """Score a batch (n, k); NaN is a feature that is missing.

        A row's score does not depend on the other rows, to the last bit.
        """
        scored = self._predictor.score(matrix)
        if self._share == 1.0:
            return scored
        return Scored(among_all(scored.scores, self._share), scored.contributions)


def among_all(scores: NDArray[np.float64], negatives_share: float) -> NDArray[np.float64]:
    """Return probabilities as if no negative had been left out of learning.

    The odds times the share of the negatives that was learned from (King and Zeng, "Logistic
    regression in rare events data", 2001): what a weight of 1/share for each of them aims at.
    """
    positive = scores * negatives_share
    corrected: NDArray[np.float64] = positive / (positive + (1.0 - scores))
    return corrected
