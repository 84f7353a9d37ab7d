"""Watching numbers: what an outcome has cost the score, how late it came, ..."""

from collections.abc import Sequence
from math import exp, log

from headrace.drift.monitor import Monitor, Sized, Value


class ValueMonitor(Monitor):
    """Watches values whose mean says what is the matter."""

    def size(self, suspects: Sequence[Value]) -> Sized:
        """Return the means, and their difference."""
        before = self._ranking.mean
        after = sum(each.value for each in suspects) / len(suspects)
        return Sized(before, after, after - before)

    def accept(self, value: Value) -> None:
        """Nothing more is to be learned."""

    def forget(self) -> None:
        """Nothing more was learned."""


class RateMonitor(ValueMonitor):
    """Watches how often something comes: values are minus the logarithms of the stretches between.

    The mean of those says less than the mean stretch, which is what a rate is one over.
    """

    def size(self, suspects: Sequence[Value]) -> Sized:
        """Return the logarithms of the rates, and their difference."""
        before, after = _rate(self._ranking.values), _rate([each.value for each in suspects])
        return Sized(before, after, after - before)


def _rate(values: Sequence[float]) -> float:
    return log(len(values) / sum(exp(-each) for each in values)) if values else 0.0
