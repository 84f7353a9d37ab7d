"""The families by name: which models a charter can declare."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from headrace.errors import HeadraceError
from headrace.models.zoo.bayes import BayesLearner, BayesParameters
from headrace.models.zoo.forest import (
    AdaptiveTreeLearner,
    AdaptiveTreeParameters,
    BaggingLearner,
    BaggingParameters,
    ForestLearner,
    ForestParameters,
    GrowthParameters,
    TreeLearner,
    TreeParameters,
)
from headrace.models.zoo.learner import Learner
from headrace.models.zoo.linear import LinearLearner, LogisticLearner, RegressionParameters
from headrace.models.zoo.regression import RegressionTreeLearner
from headrace.usecase.problems import unknown


class _Family(NamedTuple):
    parameters: TypeAdapter[Any]
    make: Callable[[Any], Learner]


_FAMILIES: dict[str, _Family] = {}


def register(name: str, parameters: type, make: Callable[[Any], Learner]) -> None:
    """Add a family to the zoo.

    Parameters
    ----------
    name
        What a charter calls it.
    parameters
        A pydantic dataclass or model: what may be declared.
    make
        Gives a learner of such parameters, which has learned nothing.

    Raises
    ------
    ValueError
        There is such a family.
    """
    if name in _FAMILIES:
        raise ValueError(f"there is a family {name} already")
    _FAMILIES[name] = _Family(TypeAdapter(parameters), make)


def new_learner(family: str, parameters: Mapping[str, Any]) -> Learner:
    """Return a model that has learned nothing.

    Raises
    ------
    HeadraceError
        There is no such family, or it has no such parameters.
    """
    if family not in _FAMILIES:
        raise HeadraceError(
            f"{unknown('family of models', family, list(_FAMILIES))}.",
            fix="Correct the charter, or register the family.",
        )
    found = _FAMILIES[family]
    try:
        return found.make(found.parameters.validate_python(dict(parameters)))
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, each['loc'])) or 'all'}: {each['msg']}" for each in error.errors()
        )
        raise HeadraceError(
            f"The parameters of a model of the family {family} are wrong: {wrong}.",
            fix="Correct them in the charter; docs/models.md lists them.",
        ) from None


register("logistic", RegressionParameters, LogisticLearner)
register("linear", RegressionParameters, LinearLearner)
register("hoeffding-tree", TreeParameters, TreeLearner)
register("adaptive-tree", AdaptiveTreeParameters, AdaptiveTreeLearner)
register("regression-tree", GrowthParameters, RegressionTreeLearner)
register("adaptive-forest", ForestParameters, ForestLearner)
register("bagged-trees", BaggingParameters, BaggingLearner)
register("gaussian-bayes", BayesParameters, BayesLearner)
