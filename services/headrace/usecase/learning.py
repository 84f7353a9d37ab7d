"""What a use case's models are to be: declared by name and parameters, learned side by side."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Final, Self

from pydantic import (
    AfterValidator,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)
from pydantic.dataclasses import dataclass

from headrace.usecase.declared import STRICT, DurationMs, Slug, Text, Whole, duration_text
from headrace.usecase.problems import Problem, unknown
from headrace.usecase.salvage import as_far_as_known

Parameter = StrictBool | StrictInt | StrictFloat | StrictStr
Weight = Annotated[float, Field(strict=True, ge=1e-6, le=1e6)]
_RETRAIN_EVERY_LEAST_MS: Final = 5_000


def _is_a_period(duration_ms: int) -> int:
    """Refuse what is so short that reading the history alone takes longer."""
    if duration_ms < _RETRAIN_EVERY_LEAST_MS:
        raise ValueError(f"it should be {duration_text(_RETRAIN_EVERY_LEAST_MS)} at least")
    return duration_ms


@dataclass(frozen=True, kw_only=True, config=STRICT)
class LearnedModel:
    """A model that learns: of a family of the zoo, or the mean of others."""

    family: Text | None = Field(default=None, examples=["logistic"])
    """How it learns; docs/models.md lists the zoo."""
    parameters: dict[str, Parameter] = Field(default={})
    """Those of the family; what is not given is as docs/models.md says."""
    mean_of: dict[Slug, Weight] = Field(default={}, examples=[{"logistic": 0.6, "forest": 0.4}])
    """Other models and their weights: it predicts their mean."""

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.family is None) == (not self.mean_of):
            raise ValueError("a model is either of a family, or the mean_of others")
        if self.mean_of and self.parameters:
            raise ValueError("a mean has no parameters but its weights")
        return self


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Learning:
    """How a use case learns from its outcomes."""

    champion: Slug = Field(examples=["logistic"])
    """The model that decides once it has been frozen; the others are challengers."""
    negatives_share: Annotated[float, Field(strict=True, gt=0, le=1)] = 1.0
    """Share of the negative outcomes that is learned from; scores are corrected for the others."""
    freeze_every: Whole = Field(examples=[10_000])
    """Outcomes from one version of the models to the next."""
    retrain_every_ms: Annotated[DurationMs, AfterValidator(_is_a_period)] | None = Field(
        default=None, alias="retrain_every", examples=["30d"], repr=False
    )
    """How long after a model was last learned anew from history it is again; never by itself where
    not given. No part of what is learned, and so of no snapshot's fit either."""
    models: dict[Slug, LearnedModel] = Field(
        min_length=1, examples=[{"logistic": {"family": "logistic"}}]
    )
    """By name."""


def unmatched_models(learning: Learning | None) -> Iterator[Problem]:
    """Yield a champion, or a member of a mean, that is no model that learns."""
    if learning is None:
        return
    with as_far_as_known():
        if learning.champion not in learning.models:
            yield Problem(
                ("learning", "champion"), unknown("model", learning.champion, learning.models)
            )
    with as_far_as_known():
        yield from _strange_members(learning.models)


def _strange_members(models: Mapping[str, LearnedModel]) -> Iterator[Problem]:
    means = {name: mean_of for name, model in models.items() if (mean_of := _mean_of(model))}
    others = [name for name in models if name not in means]
    for name, mean_of in means.items():
        for member in mean_of:
            path = ("learning", "models", name, "mean_of", member)
            if member not in models:
                yield Problem(path, unknown("model", member, others))
            elif member in means:
                yield Problem(path, f"{member} is a mean itself; name what that is of")


def _mean_of(model: LearnedModel) -> Mapping[str, float]:
    """Return what a model is the mean of, if anything; it may be broken itself."""
    return getattr(model, "mean_of", {})
