"""The splits of frozen decision trees, as one table of nodes."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headrace.models.scored import Misshapen

Floats = NDArray[np.float64]
Places = NDArray[np.intp]

SPLIT_ARRAYS: Final = (
    "feature",  # which is compared; -1 in a leaf
    "threshold",  # to the left where it is at most this
    "left",
    "right",
    "common",  # where to go without the feature
    "value",  # what the node has seen, in the unit of the score
)
"""Each (nodes,)."""


class Splits:
    """The ways from roots to leaves.

    Parameters
    ----------
    arrays
        ``SPLIT_ARRAYS``, of the same shape.
    features
        k.

    Raises
    ------
    Misshapen
        The arrays point to what there is not, or back.
    """

    def __init__(self, arrays: Mapping[str, Floats], features: int) -> None:
        nodes = len(arrays["feature"])
        self._feature = indices(arrays["feature"], -1, features)
        self._left = indices(arrays["left"], 0, nodes)
        self._right = indices(arrays["right"], 0, nodes)
        self._common = indices(arrays["common"], 0, nodes)
        self._threshold, self.value = arrays["threshold"], arrays["value"]
        inner = self._feature >= 0
        children = np.stack([self._left, self._right, self._common])[:, inner]
        if (children <= np.flatnonzero(inner)).any():  # so no walk is endless
            raise Misshapen("a branch leads back")
        self.paths, self.above = self._walked(np.flatnonzero(inner).tolist(), features)
        """What the path to each node adds, (nodes, k), and the feature of its last split or -1."""

    def _walked(self, inner: list[int], features: int) -> tuple[Floats, Places]:
        """Walk the path to each node: there is one, so that no row need walk it again."""
        paths = np.zeros((len(self._feature), features))
        above = np.full(len(self._feature), -1)
        for node in inner:  # parents before their children
            feature = self._feature[node]
            for child in (self._left[node], self._right[node], self._common[node]):
                paths[child] = paths[node]
                paths[child, feature] += self.value[child] - self.value[node]
                above[child] = feature
        return paths, above

    def descend(self, matrix: Floats, rows: Places, node: Places) -> Places:
        """Return the leaf in which each row ends in its tree, given the tree's root."""
        node = node.copy()
        has_missing = bool(np.isnan(matrix).any())
        going = np.flatnonzero(self._feature[node] >= 0)
        while len(going):
            at = node[going]
            values = matrix[rows[going], self._feature[at]]
            onward = np.where(values <= self._threshold[at], self._left[at], self._right[at])
            if has_missing:
                onward = np.where(np.isnan(values), self._common[at], onward)
            node[going] = onward
            going = going[self._feature[onward] >= 0]
        return node


def indices(array: Floats, low: int, end: int) -> Places:
    """Return whole numbers from ``low`` up to ``end``, without it."""
    found = array.astype(np.intp)
    if (found != array).any() or (found < low).any() or (found >= max(end, 0)).any():
        raise Misshapen(f"an index is not a whole number from {low} to {end - 1}")
    return found
