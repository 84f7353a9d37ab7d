"""The input: seeded card payments, the same for every contestant.

The number of cards doubles every 60 days of event time, and each pays as often as in the Fraud
Detection Handbook: 0 to 4 times a day. So every beginning of the stream looks like every other:
the same mix of young and old cards, windows equally full, whoever takes how much of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

START_MS = 1_577_836_800_000  # 2020-01-01
DAY_MS = 86_400_000
_DOUBLING_MS = 60 * DAY_MS
_MOST_A_DAY = 4.0
_MEAN_MINOR = (500, 10_000)
_MERCHANTS = 2_000
_NEAR_KM = 40.0
_SPARE_CARDS = 20
_EVENTS_A_CARD = 150
"""Fewer than a card has on average, so that there are cards enough."""

Encode = Callable[[Mapping[str, Any]], bytes]


@dataclass(frozen=True)
class Payments:
    """Payments in the order of their time; every array is (n,)."""

    cards: NDArray[np.int64]
    times_ms: NDArray[np.int64]
    amounts: NDArray[np.int64]
    """Minor units."""
    ids: tuple[str, ...]
    merchants: NDArray[np.int64]
    distances_km: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.ids)

    def first(self, count: int) -> "Payments":
        """Return the beginning of it."""
        return Payments(
            self.cards[:count],
            self.times_ms[:count],
            self.amounts[:count],
            self.ids[:count],
            self.merchants[:count],
            self.distances_km[:count],
        )

    def records(self, encode: Encode) -> list[tuple[str, bytes]]:
        """Return key and value of each."""
        rows = zip(
            self.ids,
            self.cards.tolist(),
            self.merchants.tolist(),
            self.amounts.tolist(),
            self.times_ms.tolist(),
            self.distances_km.tolist(),
            strict=True,
        )
        return [
            (
                f"card-{card:07d}",
                encode(
                    {
                        "event_id": event_id,
                        "card_id": f"card-{card:07d}",
                        "merchant_id": f"merchant-{merchant:04d}",
                        "amount_minor": amount,
                        "currency": "EUR",
                        "occurred_at_ms": time_ms,
                        "distance_km": distance_km,
                    }
                ),
            )
            for event_id, card, merchant, amount, time_ms, distance_km in rows
        ]


def growing(events: int, seed: int) -> Payments:
    """Simulate a growing number of cards."""
    random = np.random.default_rng(seed)
    cards = events // _EVENTS_A_CARD + _SPARE_CARDS
    since_ms = _DOUBLING_MS * np.log2(np.arange(1, cards + 1))
    until_ms = since_ms[-1]
    a_ms = random.uniform(0, _MOST_A_DAY, cards) / DAY_MS
    counts = random.poisson(a_ms * (until_ms - since_ms))
    card = np.repeat(np.arange(cards), counts)
    times_ms = since_ms[card] + random.random(len(card)) * (until_ms - since_ms[card])
    order = np.argsort(times_ms, kind="stable")[:events]
    if len(order) < events:
        raise ValueError(f"{len(order)} events were simulated, not {events}")
    return _paid(card[order], START_MS + times_ms[order].astype(np.int64), random)


def in_turn(cards: int, events: int, days: float, seed: int) -> Payments:
    """Simulate cards that pay one after the other, evenly over some days."""
    random = np.random.default_rng(seed)
    times_ms = START_MS + (np.arange(events) * (days * DAY_MS / events)).astype(np.int64)
    return _paid(np.arange(events) % cards, times_ms, random)


def _paid(
    cards: NDArray[np.int64], times_ms: NDArray[np.int64], random: np.random.Generator
) -> Payments:
    events = len(cards)
    usual = random.uniform(*_MEAN_MINOR, int(cards.max()) + 1)[cards]
    amounts = np.abs(random.normal(usual, usual / 2)).astype(np.int64) + 1
    ids = random.bytes(16 * events).hex()
    return Payments(
        cards.astype(np.int64),
        times_ms,
        amounts,
        tuple(ids[at : at + 32] for at in range(0, len(ids), 32)),
        random.integers(_MERCHANTS, size=events),
        random.exponential(_NEAR_KM, events).round(1),
    )
