"""How sure it is that a stream has drifted: CUSUMs over surprises."""

from collections.abc import Sequence
from math import exp
from typing import Final

SHIFTS: Final = (0.25, 0.5, 1.0)
"""Lasting shifts, in standard deviations, that are looked for."""
_OVERSHOOT: Final = 1.166
"""Of a normal random walk over a boundary, twice, in standard deviations (Siegmund 1985)."""
_MOST: Final = 300.0
"""Exponents above it are not computed."""


class Evidence:
    """CUSUMs (Page 1954) for several shifts of a stream of surprises.

    While nothing has drifted, surprises are standard normal. For a shift of ``d`` each adds
    ``d * z - d**2 / 2``, its log-likelihood ratio, to a sum that never falls below zero.

    Parameters
    ----------
    two_sided
        Whether surprisingly small values count as much as surprisingly large ones.
    """

    def __init__(self, *, two_sided: bool) -> None:
        signs = (1.0, -1.0) if two_sided else (1.0,)
        self._shifts = [(sign, shift) for sign in signs for shift in SHIFTS]
        self._sums = [0.0] * len(self._shifts)
        self._since = [0] * len(self._shifts)
        """Surprises since each sum was zero."""

    def take(self, surprise: float) -> None:
        """Take in a surprise."""
        for n, (sign, shift) in enumerate(self._shifts):
            grown = self._sums[n] + shift * (sign * surprise - shift / 2)
            self._sums[n] = max(0.0, grown)
            self._since[n] = self._since[n] + 1 if grown > 0 else 0

    @property
    def once_in(self) -> float:
        """So much comes by chance once in so many surprises: the average run length.

        By Siegmund's approximation for each sum (*Sequential Analysis*, 1985, formula 2.53); among
        several sums the rates of false alarms add up.
        """
        return max(map(_run_length, self._sums, self._shifts)) / len(self._sums)

    @property
    def since(self) -> int:
        """How many surprises are behind it: those since the strongest sum was zero."""
        lengths = list(map(_run_length, self._sums, self._shifts))
        return self._since[lengths.index(max(lengths))]

    def parts(self) -> list[Sequence[float]]:
        """Return all of it, for :meth:`restore`."""
        return [self._sums, self._since]

    def restore(self, parts: Sequence[Sequence[float]]) -> None:
        """Become what another was."""
        self._sums, since = list(parts[0]), parts[1]
        self._since = [int(each) for each in since]


def _run_length(total: float, signed: tuple[float, float]) -> float:
    _, shift = signed
    reach = min(total + _OVERSHOOT * shift, _MOST)
    return 2 / shift**2 * (exp(reach) - reach - 1)
