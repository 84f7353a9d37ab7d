"""A world of purchases in event time, pure numpy: each day is a function of the scenario."""

from collections.abc import Iterator
from itertools import count

import numpy as np

from headrace.simulator.frauds import Frauds
from headrace.simulator.population import FAVOURITES, Floats, Ints, Population
from headrace.simulator.purchases import Purchases, purchases
from headrace.simulator.scenario import Scenario
from headrace.simulator.seasons import (
    ACTIVITY,
    DAY_MS,
    HOUR_MS,
    START_MS,
    WEEKEND_HOURS_LATER,
    is_weekend,
    weekday,
)
from headrace.simulator.ways import OLD_WAYS

AWAY = 0.1
"""Share of honest purchases that are away from the card's favourites."""
DEARER = 1.4
"""All amounts after a drift of the data, of what they would be."""
ONLINE_AFTER_DRIFT = 0.2
"""Share of honest purchases that move online with a drift of the data."""
_HONEST_SHARE = 1 - sum(OLD_WAYS.shares.values())


class World:
    """What the cards of a population buy, and what thieves buy with them."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.population = Population(scenario)
        self._frauds = Frauds(scenario, self.population)
        self._drift = scenario.drift("data")

    def days(self) -> Iterator[Purchases]:
        """Yield the purchases of one day after the other, without end."""
        return map(self.day, count())

    def day(self, day: int) -> Purchases:
        """Return the purchases of the day ``day`` (from 0) in time order."""
        random = self.scenario.random("day", day)
        habits = self._habits(day, random)
        today = np.concatenate([habits, *self._frauds.on(day, random)])
        dearer = self._drift.lasts_at(today["at_ms"], self.population.patience[today["card"]])
        if dearer.any():
            factor = DEARER**self._drift.magnitude
            amount_minor = np.rint(today["amount_minor"] * factor).astype(np.int64)
            today["amount_minor"] = np.where(dearer, amount_minor, today["amount_minor"])
        return today[np.argsort(today["at_ms"], kind="stable")]

    def distance_km(self, card: Ints, merchant: Ints) -> Floats:
        """Return the distances between homes and merchants, broadcast as numpy does."""
        return self.population.distance_km(card, merchant)

    def _habits(self, day: int, random: np.random.Generator) -> Purchases:
        """Return what the holders buy, each by its habits."""
        population, weekend = self.population, is_weekend(day)
        expected = population.per_day * ACTIVITY[weekday(day)] * _HONEST_SHARE
        if weekend:
            expected *= population.weekends
        card = np.repeat(np.arange(population.cards), random.poisson(expected))
        later = WEEKEND_HOURS_LATER if weekend else 0.0
        hour = random.normal(population.hour[card] + later, 3) % 24
        within_ms = np.minimum(hour * HOUR_MS, DAY_MS - 1).astype(np.int64)
        at_ms = START_MS + day * DAY_MS + within_ms
        return purchases(
            {
                "at_ms": at_ms,
                "card": card,
                "merchant": self._merchant(random, card, at_ms),
                "amount_minor": population.amount_minor(random, card, 1.0),
            }
        )

    def _merchant(self, random: np.random.Generator, card: Ints, at_ms: Ints) -> Ints:
        population, size = self.population, len(card)
        favourite = population.favourites[card, random.integers(FAVOURITES, size=size)]
        anywhere = random.integers(population.merchants, size=size)
        usual = np.where(random.random(size) < AWAY, anywhere, favourite)
        online = random.choice(population.online, size=size)
        is_drifted = self._drift.lasts_at(at_ms, population.patience[card])
        share = ONLINE_AFTER_DRIFT * self._drift.magnitude
        moves = (random.random(size) < share) & is_drifted
        return np.where(moves, online, usual)
