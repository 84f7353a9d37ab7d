"""Bins that are the same everywhere: histograms of any place and time can be added and compared.

docs/drift.md says why they are as they are.
"""

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Bins = NDArray[np.int64]

_NEAR_ZERO: Final = 1e-6
_AN_OCTAVE: Final = 4
_NEAR_ZERO_LOG2: Final = float(np.log2(_NEAR_ZERO))
_A_LOGIT: Final = 4
_MOST_LOGIT: Final = 16.0


class Binning(Protocol):
    """How a line of numbers is divided."""

    @property
    def most(self) -> int:
        """The last bin; the first is as far below zero."""

    def of(self, values: Values) -> Bins:
        """Return the bin of each value; all are finite, and the shape stays."""

    def edges(self, number: int) -> tuple[float, float]:
        """Return between which values a bin lies."""

    def centre(self, number: int) -> float:
        """Return the value that stands for a bin."""


class _Numbers:
    """Four bins to each doubling, 19 % wide, on both sides of zero.

    The bin of x is 0 where abs(x) < 1e-6, else sign(x) (1 + floor(4 log2(abs(x) / 1e-6))). The
    outermost two begin at 1e-6 x 2^59.75, some 9.7e11, and have no end.
    """

    most = 240

    def of(self, values: Values) -> Bins:
        """Return the bin of each value."""
        sizes = np.abs(values)
        octaves = np.log2(np.maximum(sizes, _NEAR_ZERO)) - _NEAR_ZERO_LOG2
        bins = np.minimum(1 + np.floor(octaves * _AN_OCTAVE), self.most)
        bins[sizes < _NEAR_ZERO] = 0
        numbers: Bins = np.copysign(bins, values).astype(np.int64)
        return numbers

    def edges(self, number: int) -> tuple[float, float]:
        """Return between which values a bin lies, the lower first."""
        size = abs(number)
        if size == 0:
            return -_NEAR_ZERO, _NEAR_ZERO
        inner = _NEAR_ZERO * 2 ** ((size - 1) / _AN_OCTAVE)
        outer = _NEAR_ZERO * 2 ** (size / _AN_OCTAVE) if size < self.most else float("inf")
        return (inner, outer) if number > 0 else (-outer, -inner)

    def centre(self, number: int) -> float:
        """Return the geometric middle of a bin; of the outermost, as if they were as wide."""
        size = abs(number)
        middle = 0.0 if size == 0 else _NEAR_ZERO * 2 ** ((size - 0.5) / _AN_OCTAVE)
        return middle if number > 0 else -middle


class _Probabilities:
    """Bins of a quarter of a logit: the bin of p is floor(4 log(p / (1 - p))).

    The first begins at 0 and the last, at a logit of 16, ends at 1.
    """

    most = int(_MOST_LOGIT * _A_LOGIT)

    def of(self, values: Values) -> Bins:
        """Return the bin of each probability; what is outside [0, 1] counts as its end."""
        inside = np.clip(values, 0.0, 1.0)
        with np.errstate(divide="ignore"):  # the logits of 0 and 1 are infinite
            logits = np.log(inside) - np.log1p(-inside)
        clipped = np.clip(logits, -_MOST_LOGIT, _MOST_LOGIT)
        numbers: Bins = np.floor(clipped * _A_LOGIT).astype(np.int64)
        return numbers

    def edges(self, number: int) -> tuple[float, float]:
        """Return between which probabilities a bin lies."""
        low = _sigmoid(number / _A_LOGIT) if number > -self.most else 0.0
        high = _sigmoid((number + 1) / _A_LOGIT) if number < self.most else 1.0
        return low, high

    def centre(self, number: int) -> float:
        """Return the probability in the middle of a bin's logits."""
        return _sigmoid((number + 0.5) / _A_LOGIT)


def _sigmoid(logit: float) -> float:
    return float(1.0 / (1.0 + np.exp(-logit)))


NUMBERS: Final[Binning] = _Numbers()
"""For values of any size: of features, and of scores that are no probabilities."""
PROBABILITIES: Final[Binning] = _Probabilities()
"""For scores that are probabilities."""
