"""The cases of one pattern of fraud on one day, drawn together."""

from typing import NamedTuple, Self

import numpy as np

from headrace.simulator.population import Ints
from headrace.simulator.seasons import DAY_MS, START_MS
from headrace.simulator.ways import Case


class Cases(NamedTuple):
    """So many cases, each of some purchases; a purchase is numbered after those before it."""

    day: int
    random: np.random.Generator
    kind: Case
    sizes: Ints
    """Purchases of each case."""

    @classmethod
    def drawn(cls, day: int, random: np.random.Generator, kind: Case, expected: float) -> Self:
        """Draw cases that have ``expected`` purchases altogether."""
        number = random.poisson(expected / kind.mean)
        sizes = random.integers(kind.fewest, kind.most + 1, size=number)
        return cls(day, random, kind, sizes)

    @property
    def number(self) -> int:
        """How many cases there are."""
        return len(self.sizes)

    @property
    def purchases(self) -> int:
        """How many purchases they have altogether."""
        return int(self.sizes.sum())

    def of_case(self, values: Ints) -> Ints:
        """Give each purchase the value of its case."""
        return np.repeat(values, self.sizes)

    def place(self) -> Ints:
        """Return the place of each purchase in its case, from 0."""
        ends = np.cumsum(self.sizes)
        return np.arange(self.purchases) - self.of_case(ends - self.sizes)

    def within_ms(self) -> Ints:
        """Draw for each purchase how long after its case's begin it is."""
        return self.random.integers(self.kind.span_ms, size=self.purchases)

    def begin_ms(self) -> Ints:
        """Draw for each purchase's case an event time to begin, so that it ends on the day."""
        begins_ms = self.random.integers(DAY_MS - self.kind.span_ms, size=self.number)
        return self.midnight_ms + self.of_case(begins_ms)

    @property
    def midnight_ms(self) -> int:
        """Event time at which the day begins."""
        return START_MS + self.day * DAY_MS
