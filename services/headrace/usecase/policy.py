"""From scores to actions."""

from typing import Annotated, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from headrace.usecase.declared import STRICT, Number, Text

Action = Literal["approve", "review", "decline"]
_BY_SEVERITY: Final[tuple[Action, ...]] = ("approve", "review", "decline")


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Policy:
    """Two thresholds on the score."""

    version: Text
    review_at: Annotated[Number, Field(ge=0, le=1)]
    decline_at: Annotated[Number, Field(ge=0, le=1)]

    @model_validator(mode="after")
    def _review_comes_first(self) -> Self:
        if self.review_at > self.decline_at:
            raise ValueError(
                f"review_at {self.review_at} must not be above decline_at {self.decline_at}"
            )
        return self

    def actions(self, scores: NDArray[np.float64]) -> list[Action]:
        """Return the action of each of the (n,) scores; a threshold belongs to what it starts."""
        severities = np.searchsorted((self.review_at, self.decline_at), scores, side="right")
        return [_BY_SEVERITY[severity] for severity in severities.tolist()]

    def reasons(self, score: float, action: Action) -> list[str]:
        """Say why, in words; an approval needs no reason."""
        if action == "approve":
            return []
        threshold = self.review_at if action == "review" else self.decline_at
        return [f"score {score:.4f} is at or above {action}_at {threshold}"]
