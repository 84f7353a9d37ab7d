"""Cards with habits, merchants near them, and two ways of stealing; pure numpy, from a seed."""

from collections.abc import Iterator
from itertools import count
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

START_MS = 1_767_225_600_000
"""2026-01-01T00:00:00Z: the same whenever it is run."""
SPAN_DAYS = 42
"""Event time that a world's purchases fill, so that windows of 30 days are filled too."""
PER_CARD_AND_DAY = 2.5
COUNTRY_KM = 200.0
ONLINE = 20
"""Every so manieth merchant has no place, so that the distance to it is unknown."""
STOLEN_PER_DAY = 0.003
"""Chance of a card to be stolen on a day."""
MERCHANTS_PER_COMPROMISED = 200
COMPROMISED_DAYS = 14
_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS


Purchases: TypeAlias = NDArray[np.void]
"""Shape (n,), of type :data:`PURCHASE`."""
PURCHASE = np.dtype(
    [
        ("at_ms", np.int64),
        ("card", np.int64),
        ("merchant", np.int64),
        ("amount_minor", np.int64),
        ("fraudulent", np.bool_),
    ]
)


class World:
    """Cards and merchants, as many as make about ``events`` purchases in :data:`SPAN_DAYS`.

    A card has a home, a usual amount (log-normal), five favourite merchants near home and an
    hour of the day around which it buys.
    """

    def __init__(self, seed: int, events: int) -> None:
        self._random = random = np.random.default_rng([seed, events])
        self.cards = cards = max(25, round(events / (SPAN_DAYS * PER_CARD_AND_DAY)))
        self.merchants = max(10, cards // 2)
        self._home_km = random.uniform(0, COUNTRY_KM, (cards, 2))
        self._shop_km = random.uniform(0, COUNTRY_KM, (self.merchants, 2))
        self._favourites = self._nearest_of(random.integers(self.merchants, size=(cards, 30)))
        self._per_day = random.gamma(4, PER_CARD_AND_DAY / 4, cards)
        self._hour = random.normal(14, 3, cards)
        self._log_amount = random.normal(np.log(3_000), 0.6, cards)
        self._log_spread = random.uniform(0.3, 0.7, cards)

    def days(self) -> Iterator[Purchases]:
        """Yield the purchases of one day after the other, in time order, without end."""
        for day in count():
            if day % COMPROMISED_DAYS == 0:
                compromised = self._random.integers(
                    self.merchants, size=max(1, self.merchants // MERCHANTS_PER_COMPROMISED)
                )
            usual = self._usual(day)
            self._skim(usual, compromised)
            today = np.concatenate([usual, self._stolen(day)])
            yield today[np.argsort(today["at_ms"], kind="stable")]

    def distance_km(self, card: Ints, merchant: Ints) -> Floats:
        """Return the distances between homes and merchants, broadcast as numpy does."""
        apart = self._home_km[card] - self._shop_km[merchant]
        return np.hypot(apart[..., 0], apart[..., 1])

    def _nearest_of(self, candidates: Ints) -> Ints:
        cards = np.arange(len(candidates))[:, None]
        nearest = np.argsort(self.distance_km(cards, candidates), axis=1, kind="stable")[:, :5]
        return np.take_along_axis(candidates, nearest, axis=1)

    def _usual(self, day: int) -> Purchases:
        """Each card by its habits; one purchase in ten is away from the favourites."""
        random = self._random
        card = np.repeat(np.arange(self.cards), random.poisson(self._per_day))
        hour = random.normal(self._hour[card], 3) % 24
        favourite = self._favourites[card, random.integers(5, size=len(card))]
        anywhere = random.integers(self.merchants, size=len(card))
        purchases = np.zeros(len(card), PURCHASE)
        within_ms = np.minimum(hour * _HOUR_MS, _DAY_MS - 1).astype(np.int64)
        purchases["at_ms"] = START_MS + day * _DAY_MS + within_ms
        purchases["card"] = card
        purchases["merchant"] = np.where(random.random(len(card)) < 0.9, favourite, anywhere)
        purchases["amount_minor"] = self._amount_minor(card, 1.0)
        return purchases

    def _stolen(self, day: int) -> Purchases:
        """Let thieves buy 4 to 8 times within an hour, anywhere, at eight times the usual."""
        random = self._random
        stolen = np.flatnonzero(random.random(self.cards) < STOLEN_PER_DAY)
        times = random.integers(4, 9, size=len(stolen))
        start_ms = random.integers(_DAY_MS - _HOUR_MS, size=len(stolen))
        card = np.repeat(stolen, times)
        within_ms = random.integers(_HOUR_MS, size=len(card))
        purchases = np.zeros(len(card), PURCHASE)
        purchases["at_ms"] = START_MS + day * _DAY_MS + np.repeat(start_ms, times) + within_ms
        purchases["card"] = card
        purchases["merchant"] = random.integers(self.merchants, size=len(card))
        purchases["amount_minor"] = self._amount_minor(card, 8.0)
        purchases["fraudulent"] = True
        return purchases

    def _skim(self, purchases: Purchases, compromised: Ints) -> None:
        """Charge three times the amount for half of the purchases at a compromised merchant."""
        there = np.isin(purchases["merchant"], compromised)
        skimmed = there & (self._random.random(len(purchases)) < 0.5)
        purchases["amount_minor"][skimmed] *= 3
        purchases["fraudulent"][skimmed] = True

    def _amount_minor(self, card: Ints, factor: float) -> Ints:
        drawn = self._random.normal(self._log_amount[card], self._log_spread[card])
        return np.maximum(1, np.rint(factor * np.exp(drawn))).astype(np.int64)
