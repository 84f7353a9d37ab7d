"""What each outcome is worth in money, and what an action is so expected to cost."""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from headrace.usecase.declared import STRICT, Number

Share = Annotated[Number, Field(ge=0)]
Minor = Annotated[int, Field(strict=True, ge=0, le=10**12)]


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Cost:
    """What a wrong action costs: a share of the amount at stake, and a fixed part."""

    share: Share = 0.0
    fixed_minor: Minor = 0
    """In minor units of the event's currency."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ReviewCost:
    """What a review costs, and how much of the loss it fails to prevent."""

    cost_minor: Minor
    missed_share: Annotated[Number, Field(ge=0, le=1)]
    """Share of what an approval would lose that is lost in spite of the review."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Values:
    """The value of each outcome; an action that was right costs nothing."""

    missed: Cost
    """It was approved, and should have been declined."""
    false_decline: Cost
    """It was declined, and should have been approved."""
    review: ReviewCost

    def expected_costs(
        self, probabilities: NDArray[np.float64], amounts: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return what each action is expected to cost.

        Parameters
        ----------
        probabilities
            (n,), that the event is one to decline.
        amounts
            (n,), in minor units; a negative one has nothing at stake.

        Returns
        -------
        (3, n), in minor units, not rounded: approve, review, decline. A column does not depend on
        the others, to the last bit.
        """
        stakes = np.maximum(amounts, 0.0)
        missed, declined, review = self.missed, self.false_decline, self.review
        costs = np.empty((3, len(stakes)))
        costs[0] = probabilities * (stakes * missed.share + missed.fixed_minor)
        costs[1] = costs[0] * review.missed_share + review.cost_minor
        costs[2] = (1.0 - probabilities) * (stakes * declined.share + declined.fixed_minor)
        return costs
