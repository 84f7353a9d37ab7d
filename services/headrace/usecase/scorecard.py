"""An expert's scorecard: the model that decides before anything has been learned."""

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from headrace.usecase.declared import STRICT, Number, Text


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Term:
    """What a feature adds to the score's logit: ``weight * (value - mean) / scale``."""

    mean: Number
    """What is usual."""
    scale: Annotated[Number, Field(gt=0)]
    """How far from it is still ordinary."""
    weight: Number
    """What one such step adds."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Scorecard:
    """A logistic model by hand: the score is the sigmoid of the intercept and all terms."""

    name: Text
    version: Text
    intercept: Number
    features: dict[str, Term]
    """One term for each declared feature."""
