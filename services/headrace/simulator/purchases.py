"""What happens in the world: purchases, honest or of one of the patterns of fraud."""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

Pattern: TypeAlias = Literal[
    "stolen_card",  # a thief shops with the card itself, in a hurry
    "compromised_merchant",  # a merchant's terminal charges cards that were there once more
    "leaked_credentials",  # somebody buys vouchers online with the card's number, at odd hours
    "card_testing",  # tiny payments to see whether the number works, then it is cashed out
]
PATTERNS: tuple[Pattern, ...] = get_args(Pattern)
HONEST = 0
"""The code of an honest purchase; a pattern's code is its place in :data:`PATTERNS` plus 1."""

Purchases: TypeAlias = NDArray[np.void]
"""Shape (n,), of type :data:`PURCHASE`."""
PURCHASE = np.dtype(
    [
        ("at_ms", np.int64),
        ("card", np.int64),
        ("merchant", np.int64),
        ("amount_minor", np.int64),
        ("pattern", np.int8),
    ]
)


def code_of(pattern: Pattern) -> int:
    """Return the code of a pattern in a purchase."""
    return PATTERNS.index(pattern) + 1


def purchases(columns: Mapping[str, Any]) -> Purchases:
    """Make purchases of columns; ``card`` is one of them, and what is not given is 0."""
    made = np.zeros(len(columns["card"]), PURCHASE)
    for name, column in columns.items():
        made[name] = column
    return made
