"""The cheapest of all pairs of thresholds, found exactly."""

import numpy as np
from numpy.typing import NDArray


def cheapest_thresholds(scores: NDArray[np.float64], costs: NDArray[np.float64]) -> float:
    """What the best pair of thresholds costs on scored events, with hindsight over all pairs.

    Parameters
    ----------
    scores
        (n,).
    costs
        (3, n): of approving, reviewing and declining each event.

    Returns
    -------
    The least total of any pair: approved below the first, declined from the second on, reviewed
    between. Which events a threshold parts is all that counts, so that the n + 1 places between
    sorted scores are all thresholds; events of equal scores stay together.
    """
    order = np.argsort(scores, kind="stable")
    totals = np.concatenate([np.zeros((3, 1)), np.cumsum(costs[:, order], axis=1)], axis=1)
    ordered = scores[order]
    apart = np.concatenate([[True], ordered[1:] != ordered[:-1], [True]])
    approved, reviewed, declined = totals[:, apart[: len(scores) + 1]]
    up_to_review = np.minimum.accumulate(approved - reviewed)
    return float((up_to_review + reviewed + declined[-1] - declined).min())
