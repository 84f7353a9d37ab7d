"""How closely a use case is watched for drift."""

from typing import Annotated

from pydantic import Field, StrictBool
from pydantic.dataclasses import dataclass

from headrace.usecase.declared import DAY_MS, STRICT, DurationMs


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Drift:
    """What is allowed, and what is done about a drift."""

    once_in: Annotated[int, Field(strict=True, ge=1_000, le=10**12)] = 300_000
    """Events in which all monitors together may raise one false alarm."""
    retrain: StrictBool = True
    """Whether a drift of the concept has challengers learned anew."""
    cool_down_ms: DurationMs = Field(default=7 * DAY_MS, alias="cool_down", examples=["7d"])
    """After that, no drift has challengers learned anew for so long."""
