"""Frozen means: several models of the same features, weighted."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headrace.models.bayes import BayesPredictor
from headrace.models.forest import ForestPredictor
from headrace.models.linear import LinearPredictor, LogisticPredictor
from headrace.models.scored import Build, Misshapen, Predictor, Scored
from headrace.models.tree import TreePredictor

MEMBERS: Final[Mapping[str, Build]] = {
    "linear": LinearPredictor,
    "logistic": LogisticPredictor,
    "forest": ForestPredictor,
    "bayes": BayesPredictor,
    "tree": TreePredictor,
}
"""The families that a mean may be of."""
_MOST_WEIGHT: Final = 1e9


class MeanPredictor:
    """The weighted mean of what its members say.

    Parameters
    ----------
    arrays
        ``weight`` (members,), positive; and each member's own arrays, named
        ``<number>/<family>/<name>``, numbered from 0.
    features
        k.

    Raises
    ------
    Misshapen
        A member is none, or its arrays are not.
    """

    def __init__(self, arrays: Mapping[str, NDArray[np.float64]], features: int) -> None:
        weights = arrays.get("weight", np.zeros(0))
        right = (weights > 0) & (weights < _MOST_WEIGHT)
        if weights.ndim != 1 or not len(weights) or not right.all():
            raise Misshapen("weights that are not one positive number for each member")
        self._weights: list[float] = (weights / weights.sum()).tolist()
        self._members = _members(arrays, len(weights), features)
        self.bounds = (
            min(member.bounds[0] for member in self._members),
            max(member.bounds[1] for member in self._members),
        )
        self.usual = self._members[0].usual

    def score(self, matrix: NDArray[np.float64]) -> Scored:
        """Score a batch (n, k).

        Members count their contributions in units of their own, logits or shares. Each member's
        are scaled to what they do to its score: how far that is from where the features add
        nothing.
        """
        scores, contributions = np.zeros(len(matrix)), np.zeros(matrix.shape)
        for weight, member in zip(self._weights, self._members, strict=True):
            scored = member.score(matrix)
            scores += weight * scored.scores
            contributions += weight * _in_scores(member, scored)
        return Scored(scores, contributions)


def _in_scores(member: Predictor, scored: Scored) -> NDArray[np.float64]:
    """Return contributions that add up to how far the score is from the member's beginning."""
    if not isinstance(member, LogisticPredictor | BayesPredictor):
        return scored.contributions
    sums = scored.contributions.sum(axis=1)
    moved = scored.scores - member.base
    scale = np.divide(moved, sums, out=np.zeros(len(sums)), where=np.abs(sums) > 1e-9)
    scaled: NDArray[np.float64] = scored.contributions * scale[:, None]
    return scaled


def _members(
    arrays: Mapping[str, NDArray[np.float64]], count: int, features: int
) -> tuple[Predictor, ...]:
    parts: list[dict[str, NDArray[np.float64]]] = [{} for _ in range(count)]
    families: list[set[str]] = [set() for _ in range(count)]
    places = {str(number): number for number in range(count)}
    for name, array in arrays.items():
        if name == "weight":
            continue
        number, _, rest = name.partition("/")
        family, _, inner = rest.partition("/")
        if number not in places or family not in MEMBERS:
            raise Misshapen(f"the array {name:.80}, which belongs to no member")
        parts[places[number]][inner] = array
        families[places[number]].add(family)
    if any(len(each) != 1 for each in families):
        raise Misshapen("members of no family, or of several")
    return tuple(
        MEMBERS[family](part, features) for part, (family,) in zip(parts, families, strict=True)
    )
