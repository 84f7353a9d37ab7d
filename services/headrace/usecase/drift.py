"""How closely a use case is watched for drift."""

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field, StrictBool
from pydantic.dataclasses import dataclass

from headrace.usecase.declared import DAY_MS, STRICT, DurationMs, Slug
from headrace.usecase.feature_kinds import CalendarFeature, Feature, FlagFeature
from headrace.usecase.problems import Problem, unknown
from headrace.usecase.salvage import Partial


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Drift:
    """What is allowed, and what is done about a drift."""

    once_in: Annotated[int, Field(strict=True, ge=1_000, le=10**12)] = 300_000
    """Events in which all monitors together may raise one false alarm."""
    retrain: StrictBool = True
    """Whether a drift of the concept has challengers learned anew."""
    cool_down_ms: DurationMs = Field(default=7 * DAY_MS, alias="cool_down", examples=["7d"])
    """After that, no drift has challengers learned anew for so long."""
    segments: tuple[Slug, ...] = Field(default=(), examples=[["card_new", "weekend"]])
    """Flags and calendar features: events of each value of one are watched by themselves, too."""


def unmatched_segments(drift: Drift, features: Sequence[Feature]) -> Iterator[Problem]:
    """Yield what is no feature, or none that tells few kinds of events apart.

    A flag or a calendar feature has few values, and tells nobody's.
    """
    known = {str(getattr(feature, "name", "")): feature for feature in features}
    few = [name for name, each in known.items() if isinstance(each, FlagFeature | CalendarFeature)]
    for place, name in enumerate(drift.segments):
        path = ("drift", "segments", place)
        if isinstance(name, Partial):  # which is told by itself
            continue
        if name in drift.segments[:place]:
            yield Problem(path, f"{name} is named twice; name it once")
        elif name not in known:
            yield Problem(path, unknown("feature", name, few or list(known)))
        elif name not in few and not isinstance(known[name], Partial):
            fix = "name a flag or a calendar feature, or declare a flag of it and name that"
            yield Problem(path, f"{name} may have many values; {fix}")
