"""What counts and delays say: rates with their bounds, and how long it took."""

from collections.abc import Sequence
from math import ceil, exp, log
from typing import Final, NamedTuple

_SURE: Final = 0.95
_HALVINGS: Final = 100


def upper_bound(count: int) -> float:
    """Return the exact upper 95 % bound of a Poisson mean, of which ``count`` was seen.

    The mean with which so few, or fewer, come with a chance of 5 % (Garwood, *Biometrika* 28,
    1936), by bisection.
    """
    low, high = 0.0, 10.0 + 3.0 * count
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _at_most(count, middle) > 1 - _SURE:
            low = middle
        else:
            high = middle
    return high


def _at_most(count: int, mean: float) -> float:
    """Return the chance of ``count`` or fewer."""
    logarithm, total = -mean, exp(-mean)
    for number in range(1, count + 1):
        logarithm += log(mean) - log(number)
        total += exp(logarithm)
    return total


class Delays(NamedTuple):
    """How long it took in many runs; None where it was not noticed by the end."""

    median: float | None
    p95: float | None
    missed: int
    runs: int


def delays(took: Sequence[int | None]) -> Delays:
    """Return median and 95th percentile (nearest ranks); what was missed took longer than any."""
    known = sorted(each for each in took if each is not None)

    def ranked(share: float) -> float | None:
        rank = ceil(share * len(took)) - 1
        return known[rank] if 0 <= rank < len(known) else None

    return Delays(ranked(0.5), ranked(_SURE), len(took) - len(known), len(took))
