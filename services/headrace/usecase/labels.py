"""Labels: how a use case learns what its events really were."""

from collections.abc import Iterator
from typing import Final, Self

from pydantic import Field, StrictBool, model_validator
from pydantic.dataclasses import dataclass

from headrace.usecase.declared import DAY_MS, STRICT, DurationMs, Slug, an_example
from headrace.usecase.policy import Action
from headrace.usecase.problems import Problem
from headrace.usecase.salvage import as_far_as_known

MATURED: Final = "matured"
"""By whose word: nobody disputed it until the horizon, so it was good."""
CENSORED: Final = "censored"
"""By whose word: it was not let through, and nobody can tell what it would have been."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class LabelSource:
    """Somebody who says what an event was."""

    delay_ms: DurationMs = Field(alias="delay", examples=["4h"])
    """How long after the event its labels usually come."""
    horizon_ms: DurationMs = Field(alias="horizon", examples=["3d"])
    """How long after the event one may still come."""
    actions: tuple[Action, ...] = Field(default=(), examples=[["review"]])
    """The only actions whose events it can speak of; none named: of all."""
    corrects: StrictBool = False
    """Whether it only puts another source's label right, which may be long after the horizon."""

    @model_validator(mode="after")
    def _comes_in_time(self) -> Self:
        if self.delay_ms > self.horizon_ms:
            raise ValueError("delay must not be longer than horizon")
        return self


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Labels:
    """When an event's truth is known."""

    horizon_ms: DurationMs = Field(alias="horizon", examples=["60d"])
    """An event that was let through and not disputed for so long was good."""
    sources: dict[Slug, LabelSource] = Field(
        min_length=1, examples=[{"analyst": an_example(LabelSource)}]
    )
    """By name."""
    orphan_after_ms: DurationMs = Field(default=7 * DAY_MS, alias="orphan_after", examples=["7d"])
    """A label for whose event no decision has come for so long is given up."""

    @property
    def longest_horizon_ms(self) -> int:
        """How long after an event something of it may become known, by whomever."""
        return max(self.horizon_ms, *(source.horizon_ms for source in self.sources.values()))


def premature(labels: Labels) -> Iterator[Problem]:
    """Yield every source that may still speak when events already count as good."""
    with as_far_as_known():
        if all(source.corrects for source in labels.sources.values()):
            yield Problem(
                ("labels", "sources"),
                "all of them only correct, so nobody is waited for and nothing is ever known",
                "declare one that speaks first",
            )
    for name, source in labels.sources.items():
        with as_far_as_known():
            if not source.corrects and source.horizon_ms > labels.horizon_ms:
                yield Problem(
                    ("labels", "sources", name, "horizon"),
                    "it goes past the horizon of [labels], where undisputed events become good",
                    "lengthen that, or say corrects = true",
                )
