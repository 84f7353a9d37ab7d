"""Watching numbers: what an outcome has cost the score, how late it came, ..."""

from collections.abc import Sequence

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
