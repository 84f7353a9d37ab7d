"""Frozen forests: decision trees with a vote of each leaf, as one table of nodes.

A leaf votes by what it has seen of each class, or by naive Bayes over Gaussians of the features
that it has watched, as River's Hoeffding trees do. A feature that is missing, NaN, takes the
branch that more events have taken.
"""

from collections.abc import Mapping
from typing import ClassVar, Final

import numpy as np

from headrace.models.scored import Misshapen, Scored
from headrace.models.splits import SPLIT_ARRAYS, Floats, Places, Splits, indices

NODE_ARRAYS: Final = (
    *SPLIT_ARRAYS,  # a value is the share of the positive class among what the node has seen
    "negative",  # votes of a leaf; with naive Bayes, only their sum counts
    "positive",
    "bayes",  # row of the tables of naive Bayes; -1 without
)
"""Each (nodes,)."""
BAYES_ARRAYS: Final = ("bayes_feature", "bayes_mean", "bayes_variance", "bayes_prior")
"""(leaves, watched), twice (leaves, watched, 2), (leaves, 2): feature -1 is none; a variance of 0
is a class of which nothing is known there, and not looked at; priors are logarithms."""
ABSENT: Final = 1.0
"""A prior that no logarithm of a share can be: the class was never seen."""
TREE_ARRAYS: Final = ("root", "weight")
"""Each (trees,); beside them ``usual`` (k,), means of the features that were learned from."""
_ROUNDING: Final = 1e-9
_MOST_WEIGHT: Final = 1e6
_HALF_LOG_TAU: Final = 0.5 * float(np.log(2 * np.pi))


class ForestPredictor:
    """Weighted votes of decision trees on a positive and a negative class.

    Parameters
    ----------
    arrays
        ``TREE_ARRAYS``, ``usual``, ``NODE_ARRAYS`` and ``BAYES_ARRAYS``.
    features
        k.

    Raises
    ------
    Misshapen
        The arrays are others, do not fit each other, or point to what there is not.
    """

    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def __init__(self, arrays: Mapping[str, Floats], features: int) -> None:
        _check_shapes(arrays, features)
        self.usual: tuple[float, ...] = tuple(arrays["usual"].tolist())
        nodes, leaves = len(arrays["feature"]), len(arrays["bayes_prior"])
        self._splits = Splits(arrays, features)
        self._root = indices(arrays["root"], 0, nodes)
        self._weights: list[float] = arrays["weight"].tolist()
        self._bayes = indices(arrays["bayes"], -1, leaves)
        self._negative, self._positive = arrays["negative"], arrays["positive"]
        self._worth = self._negative + self._positive
        """Of a leaf's votes: of alternatives in one tree, the more reliable ones count more."""
        self._watched = indices(arrays["bayes_feature"], -1, features)
        self._mean = arrays["bayes_mean"]
        self._denominator, self._constant = _log_densities(arrays["bayes_variance"])
        self._prior = arrays["bayes_prior"]
        self._features = features

    def score(self, matrix: Floats) -> Scored:
        """Score a batch (n, k).

        The score is the positive share of all votes, 0 where nobody votes. Contributions are, over
        each tree's path, how much the share of the positive class moves at each feature (Palczewska
        et al., "Interpreting random forest models using a feature contribution method", 2013).
        """
        n, trees = len(matrix), len(self._root)
        rows = np.tile(np.arange(n), trees)
        leaf = self._splits.descend(matrix, rows, np.repeat(self._root, n))
        negative, positive = self._votes(matrix, rows, leaf)
        sums, totals, added = np.zeros(n), np.zeros(n), np.zeros((n, self._features))
        each = (array.reshape(trees, n) for array in (leaf, negative, positive))
        for weight, *votes in zip(self._weights, *each, strict=True):
            ended, against, in_favour = votes  # one by one, whatever the shape of the batch
            sums += weight * in_favour
            totals += weight * (against + in_favour)
            worth = self._worth[ended]
            added += (weight * worth)[:, None] * self._splits.paths[ended]
            last = self._splits.above[ended]
            split = np.flatnonzero(last >= 0)
            rest = in_favour - worth * self._splits.value[ended]
            added[split, last[split]] += weight * rest[split]
        shares = np.divide(1.0, totals, out=np.zeros(n), where=totals > 0)
        return Scored(sums * shares, added * shares[:, None])

    def _votes(self, matrix: Floats, rows: Places, leaf: Places) -> tuple[Floats, Floats]:
        negative, positive = self._negative[leaf], self._positive[leaf]
        bayes = self._bayes[leaf]
        by_bayes = np.flatnonzero(bayes >= 0)
        if len(by_bayes):
            found = self._posterior(matrix, rows[by_bayes], bayes[by_bayes])
            negative[by_bayes], positive[by_bayes] = found.T * self._worth[leaf[by_bayes]]
        return negative, positive

    def _posterior(self, matrix: Floats, rows: Places, table: Places) -> Floats:
        """Return the shares (m, 2) of the classes by naive Bayes."""
        watched = self._watched[table]
        values = matrix[rows[:, None], watched]
        with np.errstate(all="ignore"):
            logs = (values[:, :, None] - self._mean[table]) ** 2
            logs /= self._denominator[table]
            logs += self._constant[table]
        # What is missing is NaN here, and what is impossible -inf: River leaves out both.
        logs = np.where(logs > -np.inf, logs, 0.0)
        prior = self._prior[table]
        seen = prior != ABSENT
        sums = np.where(seen, prior, 0.0)
        for column in range(logs.shape[1]):  # in order, whatever the shape of the batch
            sums += logs[:, column]
        sums = np.where(seen, sums, -np.inf)
        shares = np.exp(sums - sums.max(axis=1, keepdims=True))
        posterior: Floats = shares / (shares[:, 0] + shares[:, 1])[:, None]
        return posterior


def _check_shapes(arrays: Mapping[str, Floats], features: int) -> None:
    wanted = {*TREE_ARRAYS, "usual", *NODE_ARRAYS, *BAYES_ARRAYS}
    if set(arrays) != wanted:
        raise Misshapen(f"arrays {', '.join(sorted(arrays))}, not {', '.join(sorted(wanted))}")
    trees, nodes = arrays["root"].shape, arrays["feature"].shape
    watched, prior = arrays["bayes_feature"].shape, arrays["bayes_prior"].shape
    same = all(arrays[name].shape == nodes for name in NODE_ARRAYS)
    same &= arrays["weight"].shape == trees and len(trees) == len(nodes) == 1
    same &= trees[:1] > (0,) and nodes[:1] > (0,)
    same &= arrays["usual"].shape == (features,)
    same &= len(watched) == 2 and prior == (*watched[:1], 2)
    same &= arrays["bayes_mean"].shape == arrays["bayes_variance"].shape == (*watched, 2)
    if not same:
        shapes = {name: array.shape for name, array in arrays.items()}
        raise Misshapen(f"shapes {shapes}")
    _check_votes(arrays)


def _check_votes(arrays: Mapping[str, Floats]) -> None:
    """See to it that every vote is a share, so that a score is one."""
    negative, positive = arrays["negative"], arrays["positive"]
    weight, prior = arrays["weight"], arrays["bayes_prior"]
    absent = prior == ABSENT
    right = (
        (negative >= 0).all(),
        (positive >= 0).all(),
        (negative <= 1).all(),
        (positive <= 1).all(),
        (negative + positive <= 1 + _ROUNDING).all(),
        ((weight > 0) & (weight <= _MOST_WEIGHT)).all(),
        ((prior <= 0) | absent).all(),
        not absent.all(axis=1).any(),
        (arrays["bayes_variance"] >= 0).all(),
    )
    if not all(right):
        raise Misshapen("votes, weights or priors that are none")


def _log_densities(variance: Floats) -> tuple[Floats, Floats]:
    """Return by what squared distances are divided, and what is added; 0 where nothing is known."""
    known = variance > 0
    denominator = np.where(known, -2.0 * variance, -np.inf)
    constant = np.where(known, -_HALF_LOG_TAU - 0.5 * np.log(np.where(known, variance, 1.0)), 0.0)
    return denominator, constant
