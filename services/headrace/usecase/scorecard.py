"""An expert's scorecard: the model that decides before anything has been learned."""

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from headrace.usecase.declared import STRICT, Number, Text


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Term:
    """What a feature adds to the sum: ``weight * (value - mean) / scale``."""

    mean: Number
    """What is usual."""
    scale: Annotated[Number, Field(gt=0)]
    """How far from it is still ordinary."""
    weight: Number
    """What one such step adds."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Scorecard:
    """A model by hand: the intercept and all terms, added up.

    The score of a ``logistic`` one is the sigmoid of the sum, a probability; that of a ``linear``
    one is the sum itself.
    """

    name: Text
    version: Text
    family: Literal["logistic", "linear"] = "logistic"
    intercept: Number
    features: dict[str, Term]
    """One term for each declared feature; beside models that learn, features may be left out."""
