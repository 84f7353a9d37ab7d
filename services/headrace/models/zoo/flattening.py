"""River's Hoeffding trees as one table of nodes."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from river.stats import Var
from river.tree import HoeffdingTreeClassifier, HoeffdingTreeRegressor
from river.tree.nodes.branch import NumericBinaryBranch
from river.tree.nodes.htc_nodes import LeafMajorityClass, LeafNaiveBayesAdaptive
from river.tree.nodes.leaf import HTLeaf

from headrace.models.forest import ABSENT, NODE_ARRAYS
from headrace.models.splits import SPLIT_ARRAYS

Stats = Mapping[bool, float]
_LEAF: Final = {"feature": -1, "threshold": 0.0, "left": 0, "right": 0, "common": 0}


@dataclass
class SplitTable(ABC):
    """Collects the nodes of trees.

    Parameters
    ----------
    features
        Their names, in the order of the vector.
    """

    features: Sequence[str]
    _rows: list[dict[str, float]] = field(default_factory=list)

    @abstractmethod
    def _seen(self, stats: Any) -> dict[str, float]:
        """Return the row of a leaf that has seen this."""

    def _add(self, grown: Any, leaf: Callable[[Any], dict[str, float]]) -> int:
        """Take in a tree, parents before children, and return where its root is.

        Raises
        ------
        ValueError
            The tree splits in another way than at a threshold.
        """
        root = len(self._rows)
        self._rows.append({})
        weights = seen_weights(grown)
        waiting: list[tuple[int, Any]] = [(root, grown)]
        while waiting:
            at, node = waiting.pop()
            while isinstance(node, NumericBinaryBranch) and node.feature not in self.features:
                node = node.children[commonest(node, weights)]  # as ever where it is missing
            if isinstance(node, HTLeaf):
                self._rows[at] = leaf(node)
                continue
            if not isinstance(node, NumericBinaryBranch):
                raise ValueError(f"a tree splits by {type(node).__name__}")  # noqa: TRY004 -- no argument's type
            first = len(self._rows)
            self._rows += [{}, {}]
            common = first + commonest(node, weights)
            self._rows[at] = self._branch(node, first, first + 1, common)
            waiting += enumerate(node.children, first)
        return root

    def _branch(
        self, node: NumericBinaryBranch, left: int, right: int, common: int
    ) -> dict[str, float]:
        return {
            **self._seen(node.stats),
            "feature": self.features.index(node.feature),
            "threshold": node.threshold,
            "left": left,
            "right": right,
            "common": common,
        }

    def _columns(self, names: Sequence[str]) -> dict[str, NDArray[np.float64]]:
        return {name: np.array([row[name] for row in self._rows], np.float64) for name in names}


@dataclass
class ValueTable(SplitTable):
    """Collects the nodes of a regression tree."""

    def add(self, tree: HoeffdingTreeRegressor) -> None:
        """Take in the tree, whose leaves predict the means of what they have seen."""
        grown: Any = tree._root
        if grown is None:
            self._rows.append(self._seen(Var()))
        else:
            self._add(grown, lambda leaf: self._seen(leaf.stats))

    def _seen(self, stats: Var) -> dict[str, float]:
        return {**_LEAF, "value": stats.mean.get()}

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """Return the arrays of all nodes, as ``TreePredictor`` takes them."""
        return self._columns(SPLIT_ARRAYS)


@dataclass
class NodeTable(SplitTable):
    """Collects the nodes of trees whose leaves vote."""

    _leaves: list[tuple[Stats, Mapping[str, Any]]] = field(default_factory=list)
    """Of each leaf with naive Bayes, what it has seen of the classes, and its splitters."""

    def add(self, tree: HoeffdingTreeClassifier) -> int:
        """Take in a tree, and return where its root is.

        Raises
        ------
        ValueError
            The tree splits in another way than at a threshold.
        """
        grown: Any = tree._root  # None, whatever its declaration says, before it has learned
        if grown is None:
            self._rows.append(self._seen({}))
            return len(self._rows) - 1
        return self._add(grown, lambda leaf: self._leaf(leaf, tree, self._worth(leaf)))

    def _worth(self, _: LeafMajorityClass) -> float:
        """Return what a leaf's votes add up to: where only one leaf votes, it does not matter."""
        return 1.0

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """Return the arrays of all nodes, as ``ForestPredictor`` takes them."""
        return {**self._columns(NODE_ARRAYS), **self._bayes()}

    def _seen(self, stats: Stats) -> dict[str, float]:
        """Return a leaf that votes by what was seen of the classes."""
        total = sum(stats.values())
        negative, positive = (stats.get(label, 0.0) / (total or 1.0) for label in (False, True))
        votes = {"value": positive, "negative": negative, "positive": positive}
        return {**_LEAF, **votes, "bayes": -1}

    def _leaf(
        self, leaf: LeafMajorityClass, tree: HoeffdingTreeClassifier, worth: float
    ) -> dict[str, float]:
        row = self._seen(leaf.stats)
        row["negative"] *= worth
        row["positive"] *= worth
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


def seen_weights(root: Any) -> dict[int, float]:
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


def commonest(branch: NumericBinaryBranch, weights: Mapping[int, float]) -> int:
    """Return which way more has gone, as River's ``most_common_path`` has it."""
    left, right = branch.children
    return int(weights[id(left)] < weights[id(right)])


def _is_bayesian(leaf: LeafMajorityClass, tree: HoeffdingTreeClassifier) -> bool:
    if not leaf.is_active() or tree.leaf_prediction == tree._MAJORITY_CLASS:
        return False
    if tree.leaf_prediction == tree._NAIVE_BAYES:
        return bool(leaf.total_weight >= tree.nb_threshold)
    assert isinstance(leaf, LeafNaiveBayesAdaptive)  # noqa: S101 -- all of such a tree are
    return bool(leaf._nb_correct_weight >= leaf._mc_correct_weight)


def _gaussians(splitter: Any) -> Iterator[tuple[bool, tuple[float, float]]]:
    """Yield mean and variance of each class of which a splitter knows enough."""
    for label, gaussian in splitter._att_dist_per_class.items():
        variance = gaussian._var.get()
        if gaussian.n_samples > gaussian._var.ddof and variance > 0:
            yield label, (gaussian.mu, variance)
