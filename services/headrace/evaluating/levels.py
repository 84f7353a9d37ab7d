"""Scores as levels: log-odds in steps of 1/2048, so that sums over them are whole numbers.

A level takes two bytes, and whatever is summed over levels is the same in any order. Log-odds are
held within 16 of 0, so a score of exactly 0 counts as 1.1e-7, and no log loss is above 16.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_PER_UNIT: Final = 2_048
_TOP: Final = 32_767
NO_SCORE: Final = -32_768
"""The level of a model that has not scored an event."""
BINS: Final = 1_024
"""The bins of a histogram: each is 64 levels, 1/32 in log-odds."""
_LEVELS: Final = 2 * _TOP + 2
_WIDTH: Final = _LEVELS // BINS
UNIT: Final = 2**32
"""Sums of scores and of log losses are whole numbers of 1/UNIT."""

_ODDS: Final[Floats] = np.arange(NO_SCORE, _TOP + 1) / _PER_UNIT
LOSSES: Final[Ints] = np.rint(
    np.logaddexp(0.0, np.stack([_ODDS, -_ODDS])) * UNIT  # -ln(1 - p), -ln(p)
).astype(np.int64)
"""(2, levels): the log loss of a negative, and of a positive, in 1/UNIT."""
SCORES: Final[Ints] = np.rint(UNIT / (1.0 + np.exp(-_ODDS))).astype(np.int64)
"""(levels,): the score, in 1/UNIT."""
BIN_SCORES: Final[Floats] = 1.0 / (1.0 + np.exp(-_ODDS.reshape(BINS, _WIDTH).mean(axis=1)))
"""(BINS,): the score in the middle of each bin, ascending."""


def level_of(score: float) -> int:
    """Return the level of a score.

    Raises
    ------
    ValueError
        It is no probability.
    """
    if not 0.0 <= score <= 1.0:
        raise ValueError(f"a score is a probability, and {score} is none")
    if score in (0.0, 1.0):
        return _TOP if score else -_TOP
    level = round((math.log(score) - math.log1p(-score)) * _PER_UNIT)
    return max(-_TOP, min(_TOP, level))


def places(levels: NDArray[np.int16]) -> Ints:
    """Return where levels, (n,), stand in ``LOSSES`` and ``SCORES``."""
    return levels.astype(np.int64) - NO_SCORE


def bins(levels: NDArray[np.int16]) -> Ints:
    """Return the bins, (n,), of levels."""
    return places(levels) // _WIDTH
