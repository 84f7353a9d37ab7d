"""A frozen regression tree: a value at each leaf."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from headrace.models.scored import Misshapen, Scored
from headrace.models.splits import SPLIT_ARRAYS, Floats, Splits


class TreePredictor:
    """A decision tree that predicts the value of a leaf.

    Parameters
    ----------
    arrays
        ``SPLIT_ARRAYS``, of which the first node is the root, and ``usual`` (k,), means of the
        features that were learned from.
    features
        k.

    Raises
    ------
    Misshapen
        The arrays are others, do not fit each other, or point to what there is not.
    """

    bounds: ClassVar[tuple[float, float]] = (-float("inf"), float("inf"))

    def __init__(self, arrays: Mapping[str, Floats], features: int) -> None:
        shapes = {name: array.shape for name, array in arrays.items()}
        nodes = shapes.get("feature", ())
        wanted = {**dict.fromkeys(SPLIT_ARRAYS, nodes), "usual": (features,)}
        if shapes != wanted or len(nodes) != 1 or not nodes[0]:
            raise Misshapen(f"{shapes}, which is no tree of {features} features")
        self.usual: tuple[float, ...] = tuple(arrays["usual"].tolist())
        self._splits = Splits(arrays, features)

    def score(self, matrix: Floats) -> Scored:
        """Score a batch (n, k).

        Contributions are how far each feature moves the value, split by split from the root's.
        """
        rows = np.arange(len(matrix))
        leaf = self._splits.descend(matrix, rows, np.zeros(len(matrix), np.intp))
        return Scored(self._splits.value[leaf], self._splits.paths[leaf])
