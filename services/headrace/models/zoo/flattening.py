"""River's Hoeffding trees as one table of nodes."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from river.tree import HoeffdingTreeClassifier
from river.tree.nodes.branch import NumericBinaryBranch
from river.tree.nodes.htc_nodes import (
    LeafMajorityClass,
    LeafNaiveBayes,
    LeafNaiveBayesAdaptive,
)

from headrace.models.forest import ABSENT, NODE_ARRAYS

Stats = Mapping[bool, float]


@dataclass
class NodeTable:
    """Collects the nodes of several trees.

    Parameters
    ----------
    features
        Their names, in the order of the vector.
    """

    features: Sequence[str]
    _rows: list[dict[str, float]] = field(default_factory=list)
    _leaves: list[tuple[Stats, Mapping[str, Any]]] = field(default_factory=list)
    """Of each leaf with naive Bayes, what it has seen of the classes, and its splitters."""

    def add(self, tree: HoeffdingTreeClassifier) -> int:
        """Take in a tree, parents before children, and return where its root is.

        Raises
        ------
        ValueError
            The tree splits in another way than at a threshold.
        """
        root = len(self._rows)
        grown: Any = tree._root  # None, whatever its declaration says, before it has learned
        if grown is None:
            self._rows.append(_row({}))
            return root
        self._rows.append({})
        weights = _weights(grown)
        waiting: list[tuple[int, Any]] = [(root, grown)]
        while waiting:
            at, node = waiting.pop()
            while isinstance(node, NumericBinaryBranch) and node.feature not in self.features:
                node = node.children[_commonest(node, weights)]  # as ever where it is missing
            if isinstance(node, LeafMajorityClass):
                self._rows[at] = self._leaf(node, tree)
                continue
            if not isinstance(node, NumericBinaryBranch):
                raise ValueError(f"a tree splits by {type(node).__name__}")  # noqa: TRY004 -- no argument's type
            first = len(self._rows)
            self._rows += [{}, {}]
            self._rows[at] = {
                **_row(node.stats),
                "feature": self.features.index(node.feature),
                "threshold": node.threshold,
                "left": first,
                "right": first + 1,
                "common": first + _commonest(node, weights),
            }
            waiting += enumerate(node.children, first)
        return root

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """Return the arrays of all nodes, as ``ForestPredictor`` takes them."""
        nodes = {
            name: np.array([row[name] for row in self._rows], np.float64) for name in NODE_ARRAYS
        }
        return {**nodes, **self._bayes()}

    def _leaf(self, leaf: LeafMajorityClass, tree: HoeffdingTreeClassifier) -> dict[str, float]:
        row = _row(leaf.stats)
        if _is_bayesian(leaf, tree) and sum(leaf.stats.values()):
            row["bayes"] = len(self._leaves)
            self._leaves.append((leaf.stats, leaf.splitters))
        return row

    def _bayes(self) -> dict[str, NDArray[np.float64]]:
        """Return the tables of the leaves with naive Bayes."""
        count = len(self._leaves)
        most = max((len(splitters) for _, splitters in self._leaves), default=0)
        watched = np.full((count, most), -1.0)
        mean, variance = np.zeros((count, most, 2)), np.zeros((count, most, 2))
        prior = np.full((count, 2), ABSENT)
        for leaf, (stats, splitters) in enumerate(self._leaves):
            total = sum(stats.values())
            for label, seen in stats.items():
                # River gives a class of no weight, which it has heard of, a vote of one.
                prior[leaf, int(label)] = math.log(seen / total) if seen > 0 else 0.0
            for column, name in enumerate(each for each in splitters if each in self.features):
                watched[leaf, column] = self.features.index(name)
                for label, moments in _gaussians(splitters[name]):
                    if stats.get(label, 0) > 0:
                        mean[leaf, column, int(label)], variance[leaf, column, int(label)] = moments
        return {
            "bayes_feature": watched,
            "bayes_mean": mean,
            "bayes_variance": variance,
            "bayes_prior": prior,
        }


def _weights(root: Any) -> dict[int, float]:
    """Return what each node has seen, by its id: children first, however deep the tree is."""
    nodes = [root]
    for node in nodes:
        nodes += getattr(node, "children", ())
    weights: dict[int, float] = {}
    for node in reversed(nodes):
        inner = isinstance(node, NumericBinaryBranch)
        weights[id(node)] = (
            sum(weights[id(child)] for child in node.children) if inner else node.total_weight
        )
    return weights


def _commonest(branch: NumericBinaryBranch, weights: Mapping[int, float]) -> int:
    """Return which way more has gone, as River's ``most_common_path`` has it."""
    left, right = branch.children
    return int(weights[id(left)] < weights[id(right)])


def _row(stats: Stats) -> dict[str, float]:
    """Return a leaf that votes by what was seen of the classes."""
    total = sum(stats.values())
    negative, positive = (stats.get(label, 0.0) / (total or 1.0) for label in (False, True))
    return {
        "feature": -1,
        "threshold": 0.0,
        "left": 0,
        "right": 0,
        "common": 0,
        "value": positive,
        "negative": negative,
        "positive": positive,
        "bayes": -1,
    }


def _is_bayesian(leaf: LeafMajorityClass, tree: HoeffdingTreeClassifier) -> bool:
    if not leaf.is_active():
        return False
    if isinstance(leaf, LeafNaiveBayesAdaptive):
        return bool(leaf._nb_correct_weight >= leaf._mc_correct_weight)
    return isinstance(leaf, LeafNaiveBayes) and bool(leaf.total_weight >= tree.nb_threshold)


def _gaussians(splitter: Any) -> Iterator[tuple[bool, tuple[float, float]]]:
    """Yield mean and variance of each class of which a splitter knows enough."""
    for label, gaussian in splitter._att_dist_per_class.items():
        variance = gaussian._var.get()
        if gaussian.n_samples > gaussian._var.ddof and variance > 0:
            yield label, (gaussian.mu, variance)
