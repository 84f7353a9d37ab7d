"""Hoeffding trees, alone and as adaptive random forests."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final, Literal

import numpy as np
from pydantic import Field, StrictBool, StrictInt
from pydantic import dataclasses as checked
from river import drift, ensemble, forest, tree

from headrace.models.zoo.alternates import AdaptiveTable
from headrace.models.zoo.classifier import Classifier
from headrace.models.zoo.flattening import NodeTable
from headrace.models.zoo.learner import Frozen, Vector
from headrace.usecase.declared import STRICT, Whole

Share = Annotated[float, Field(strict=True, gt=0, lt=1)]
DEEPEST: Final = 980
"""What River takes by default depends on how deep Python may recurse, which differs by process."""
_LEAVES = {"majority": "mc", "bayes": "nb", "adaptive": "nba"}


@checked.dataclass(frozen=True, kw_only=True, config=STRICT)
class GrowthParameters:
    """How a tree grows."""

    grace_period: Whole = 200
    """Outcomes that a leaf sees between attempts to split."""
    confidence: Share = 1e-7
    """Chance of a split that is not the best one."""
    tie: Share = 0.05
    """Below this difference the two best splits count as equal."""
    depth: Annotated[int, Field(strict=True, ge=1, le=DEEPEST)] = DEEPEST
    """At most."""


@checked.dataclass(frozen=True, kw_only=True, config=STRICT)
class TreeParameters(GrowthParameters):
    """How a tree grows, and its leaves vote."""

    leaves: Literal["majority", "bayes", "adaptive"] = "adaptive"
    """How a leaf votes: by its classes, by naive Bayes, or by what has been right more often."""


@checked.dataclass(frozen=True, kw_only=True, config=STRICT)
class ForestParameters(TreeParameters):
    """How a forest grows."""

    grace_period: Whole = 50
    confidence: Share = 0.01
    trees: Whole = 10
    features: Share | Literal["sqrt", "log2"] = "sqrt"
    """Of all features, how many each leaf watches."""
    weight: Whole = 6
    """Mean number of times that a tree learns an outcome (of a Poisson distribution)."""
    replace_trees: StrictBool = True
    """Whether a tree whose error drifts (ADWIN) is replaced by one grown since a warning."""
    seed: StrictInt = 1


@checked.dataclass(frozen=True, kw_only=True, config=STRICT)
class BaggingParameters(TreeParameters):
    """How many trees, each of which learns an outcome a random number of times."""

    trees: Whole = 10
    replace_trees: StrictBool = False
    """Whether, when a tree's error drifts (ADWIN), the worst one is replaced by a new one."""
    seed: StrictInt = 1


@checked.dataclass(frozen=True, kw_only=True, config=STRICT)
class AdaptiveTreeParameters(TreeParameters):
    """How a tree grows that exchanges branches whose error drifts (ADWIN)."""

    drift_window: Whole = 300
    """Outcomes that a branch and what grows beside it see before one of them is given up."""
    bootstrap: StrictBool = True
    """Whether a leaf learns an outcome a random number of times."""
    seed: StrictInt = 1


class TreeLearner(Classifier):
    """River's ``HoeffdingTreeClassifier``."""

    def __init__(self, parameters: TreeParameters) -> None:
        super().__init__(tree.HoeffdingTreeClassifier(**_tree(parameters)))

    def freeze(self, features: Sequence[str]) -> Frozen:
        """Return it as a frozen forest of one tree."""
        return _frozen([self.model], [1.0], features, self._usual.of(features))


class AdaptiveTreeLearner(Classifier):
    """River's ``HoeffdingAdaptiveTreeClassifier``.

    Bifet and Gavaldà, "Adaptive learning from evolving data streams", 2009.
    """

    def __init__(self, parameters: AdaptiveTreeParameters) -> None:
        grown = tree.HoeffdingAdaptiveTreeClassifier(
            drift_window_threshold=parameters.drift_window,
            bootstrap_sampling=parameters.bootstrap,
            seed=parameters.seed,
            **_tree(parameters),
        )
        super().__init__(grown)

    def freeze(self, features: Sequence[str]) -> Frozen:
        """Return it as a frozen forest: the tree, and one for each branch that may replace it."""
        table = AdaptiveTable(features)
        roots = table.add_all(self.model)
        return _forest(table, roots, [1.0] * len(roots), self._usual.of(features))


class ForestLearner(Classifier):
    """River's ``ARFClassifier``.

    Gomes et al., "Adaptive random forests for evolving data stream classification", 2017.
    """

    def __init__(self, parameters: ForestParameters) -> None:
        kept: dict[str, Any] = dict.fromkeys(_DETECTORS, drift.NoDrift())
        grown = forest.ARFClassifier(
            n_models=parameters.trees,
            max_features=parameters.features,  # type: ignore[arg-type]  # it takes a share, too
            lambda_value=parameters.weight,
            seed=parameters.seed,
            **_tree(parameters),
            **({} if parameters.replace_trees else kept),
        )
        super().__init__(grown)

    def predict_one(self, x: Vector) -> float:
        """Return the probability that an event is positive, 0 before anything was learned."""
        if not len(self.model):  # to ask would make the trees, of the features of this event
            return 0.0
        return super().predict_one(x)

    def freeze(self, features: Sequence[str]) -> Frozen:
        """Return it as a frozen forest; a tree's weight is its accuracy so far, as River votes."""
        model = self.model
        accuracies = [metric.get() for metric in model._metrics]
        weights = [accuracy if accuracy > 0 else 1.0 for accuracy in accuracies]
        trees = list(model) or [tree.HoeffdingTreeClassifier()]
        return _frozen(trees, weights[: len(trees)], features, self._usual.of(features))


class BaggingLearner(Classifier):
    """River's ``BaggingClassifier`` of Hoeffding trees, or its ``ADWINBaggingClassifier``.

    Oza and Russell, "Online bagging and boosting", 2001.
    """

    def __init__(self, parameters: BaggingParameters) -> None:
        bag = (
            ensemble.ADWINBaggingClassifier
            if parameters.replace_trees
            else ensemble.BaggingClassifier
        )
        each = tree.HoeffdingTreeClassifier(**_tree(parameters))
        super().__init__(bag(model=each, n_models=parameters.trees, seed=parameters.seed))

    def freeze(self, features: Sequence[str]) -> Frozen:
        """Return it as a frozen forest in which each tree has the same weight."""
        trees = list(self.model)
        return _frozen(trees, [1.0] * len(trees), features, self._usual.of(features))


_DETECTORS = ("drift_detector", "warning_detector")


def growth(parameters: GrowthParameters) -> dict[str, Any]:
    """Return what River calls the parameters."""
    return {
        "grace_period": parameters.grace_period,
        "delta": parameters.confidence,
        "tau": parameters.tie,
        "max_depth": parameters.depth,
    }


def _tree(parameters: TreeParameters) -> dict[str, Any]:
    return {**growth(parameters), "leaf_prediction": _LEAVES[parameters.leaves]}


def _frozen(
    trees: Iterable[tree.HoeffdingTreeClassifier],
    weights: Sequence[float],
    features: Sequence[str],
    usual: Sequence[float],
) -> Frozen:
    table = NodeTable(features)
    return _forest(table, [table.add(each) for each in trees], weights, usual)


def _forest(
    table: NodeTable, roots: Sequence[int], weights: Sequence[float], usual: Sequence[float]
) -> Frozen:
    return Frozen(
        "forest",
        {
            "root": np.array(roots, np.float64),
            "weight": np.array(weights, np.float64),
            "usual": np.array(usual, np.float64),
            **table.arrays(),
        },
    )
