"""How much fraud there is of each pattern, and how thieves go about it."""

from collections.abc import Mapping
from typing import NamedTuple

from headrace.simulator.purchases import Pattern
from headrace.simulator.seasons import HOUR_MS

TESTS = 4
"""Tiny payments before a tested card is cashed out."""
TESTING_MS = HOUR_MS // 4
"""From the first of them to the last, at most."""


class Ways(NamedTuple):
    """What may change with a drift of the concept."""

    shares: Mapping[Pattern, float]
    """Of all purchases."""
    greed: Mapping[Pattern, float]
    """Amounts, as a multiple of what the card usually spends (vouchers: of their own)."""


class Case(NamedTuple):
    """One card in the hands of a thief."""

    fewest: int
    most: int
    """Purchases."""
    span_ms: int
    """From the first to the last, at most; a case ends on the day on which it began."""

    @property
    def mean(self) -> float:
        """Purchases of a case on average: each number is as likely."""
        return (self.fewest + self.most) / 2


CASES: Mapping[Pattern, Case] = {
    "stolen_card": Case(4, 8, HOUR_MS),
    "compromised_merchant": Case(1, 2, 6 * HOUR_MS),
    "leaked_credentials": Case(2, 5, 8 * HOUR_MS),
    "card_testing": Case(TESTS + 1, TESTS + 3, 3 * HOUR_MS),
}
OLD_WAYS = Ways(
    shares={
        "stolen_card": 0.004,
        "compromised_merchant": 0.0025,
        "leaked_credentials": 0.0025,
        "card_testing": 0.003,
    },
    greed={
        "stolen_card": 8.0,
        "compromised_merchant": 3.0,
        "leaked_credentials": 1.0,
        "card_testing": 10.0,
    },
)
NEW_WAYS = Ways(
    shares={
        "stolen_card": 0.001,
        "compromised_merchant": 0.018,
        "leaked_credentials": 0.012,
        "card_testing": 0.004,
    },
    greed={
        "stolen_card": 1.0,
        "compromised_merchant": 1.0,
        "leaked_credentials": 0.4,
        "card_testing": 1.5,
    },
)
"""After a drift of the concept: what is hardly noticed, and so three times as much of it."""
