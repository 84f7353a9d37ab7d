"""What a use case may take: time to decide, people to review, money to run."""

from typing import Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from headrace.usecase.declared import STRICT, Currency, LatencyMs, Whole
from headrace.usecase.policy import Action

Stage = Literal["shadow", "canary", "live"]


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Deadline:
    """When a decision is too late to be of use."""

    within_ms: LatencyMs = Field(alias="within", examples=["200ms"])
    """From the event's arrival at the broker to the decision."""
    late_action: Action = Field(examples=["review"])
    """What is done about an event that was decided later."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ReviewCapacity:
    """How much people can look at."""

    per_day: Whole = Field(examples=[500])
    """Reviews a day."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Budget:
    """What running the use case may cost."""

    currency: Currency = Field(examples=["EUR"])
    """ISO 4217 code of the amounts."""
    per_month_minor: Whole = Field(examples=[250_000])
    """In minor units, everything included."""
    per_1000_decisions_minor: Whole = Field(examples=[50])
    """In minor units for a thousand decisions: one costs less than the smallest coin."""
