"""Amounts of money in words."""

from typing import Final

_DECIMALS: Final = {"JPY": 0, "KRW": 0, "CLP": 0, "VND": 0, "BHD": 3, "KWD": 3, "TND": 3}
"""ISO 4217: the currencies whose minor unit is not a hundredth."""


def in_words(minor: float, currency: str) -> str:
    """Return an amount as ``1,234.50 EUR``."""
    decimals = _DECIMALS.get(currency, 2)
    return f"{minor / 10**decimals:,.{decimals}f} {currency}"
