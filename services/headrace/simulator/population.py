"""Who lives in the world: cards and their holders with habits, and merchants."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from headrace.simulator.scenario import Scenario

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

PER_CARD_AND_DAY = 2.5
COUNTRY_KM = 200.0
ONLINE = 20
"""Every so manieth merchant has no place, so that the distance to it is unknown."""
AGE_BANDS = {"18-29": 0.20, "30-44": 0.30, "45-64": 0.30, "65+": 0.20}
"""Shares of the holders. No event says it; habits depend on it, fraud does not."""
_HOURS_LATER = np.array([2.0, 0.5, -0.5, -2.0])
_SPENDS = np.log([0.8, 1.0, 1.15, 1.0])
FAVOURITES = 5
_SMALLEST_CARDS = 25
_SMALLEST_MERCHANTS = 10


class Population:
    """Cards and merchants, as many as make about ``scenario.events`` purchases.

    A card has a home, a holder of an age, a usual amount (log-normal), favourite merchants near
    home, an hour of the day around which it buys, and weekends that are busier or quieter than
    those of others. All arrays are by card, or by merchant where they say so.
    """

    def __init__(self, scenario: Scenario) -> None:
        random = scenario.random("population")
        per_card = scenario.days * PER_CARD_AND_DAY
        self.cards = cards = max(_SMALLEST_CARDS, round(scenario.events / per_card))
        self.merchants = max(_SMALLEST_MERCHANTS, cards // 2)
        self.online = np.arange(0, self.merchants, ONLINE)
        """Merchants without a place."""
        self._home_km = random.uniform(0, COUNTRY_KM, (cards, 2))
        self._shop_km = random.uniform(0, COUNTRY_KM, (self.merchants, 2))
        candidates = random.integers(self.merchants, size=(cards, 30))
        self.favourites = self._nearest_of(candidates)
        """Merchants, shape (cards, FAVOURITES)."""
        self.age_band = random.choice(len(AGE_BANDS), size=cards, p=list(AGE_BANDS.values()))
        """Index into :data:`AGE_BANDS`."""
        self.per_day = PER_CARD_AND_DAY * _with_mean_1(random.gamma(4, size=cards))
        self.weekends = _with_mean_1(random.gamma(8, size=cards))
        """Purchases of a weekend's day, of what they would be."""
        self.hour = random.normal(14, 3, cards) + _HOURS_LATER[self.age_band]
        self._log_amount = random.normal(np.log(3_000), 0.6, cards) + _SPENDS[self.age_band]
        self._log_spread = random.uniform(0.3, 0.7, cards)
        self.patience = scenario.random("drift").random(cards)
        """In [0, 1): where a drift is gradual, the larger the later it reaches the card."""

    def distance_km(self, card: Ints, merchant: Ints) -> Floats:
        """Return the distances between homes and merchants, broadcast as numpy does."""
        apart = self._home_km[card] - self._shop_km[merchant]
        return np.hypot(apart[..., 0], apart[..., 1])

    def amount_minor(self, random: np.random.Generator, card: Ints, factor: float) -> Ints:
        """Draw an amount for each card, ``factor`` times what it usually spends."""
        drawn = random.normal(self._log_amount[card], self._log_spread[card])
        return np.maximum(1, np.rint(factor * np.exp(drawn))).astype(np.int64)

    def _nearest_of(self, candidates: Ints) -> Ints:
        cards = np.arange(len(candidates))[:, None]
        apart = self.distance_km(cards, candidates)
        nearest = np.argsort(apart, axis=1, kind="stable")[:, :FAVOURITES]
        return np.take_along_axis(candidates, nearest, axis=1)


def _with_mean_1(values: Floats) -> Floats:
    scaled: Floats = values / values.mean()
    return scaled
