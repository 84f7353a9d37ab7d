"""Between which bounds a feature's values are, found from the checks and the declarations."""

import sys
from collections.abc import Callable
from math import log1p
from typing import Final, NamedTuple

from headrace.usecase.feature_kinds import (
    CalendarFeature,
    ClipFeature,
    Feature,
    FieldFeature,
    FlagFeature,
    LogFeature,
    ProfileFeature,
    RatioFeature,
    WindowFeature,
)

_LARGEST: Final = sys.float_info.max
_MOST_EVENTS: Final = 9_000_000
"""Of a key within a window: sums of so many of the largest amounts fit into 64 bits."""
_CALENDAR_MOST: Final = {"hour": 23, "weekday": 6, "weekend": 1, "night": 1}


class Bounds(NamedTuple):
    """The least and the most that a value can be."""

    low: float
    high: float

    def joined(self, value: float | None) -> "Bounds":
        """Return bounds that take in another value."""
        if value is None:
            return self
        return Bounds(min(self.low, value), max(self.high, value))


UNKNOWN: Final = Bounds(-_LARGEST, _LARGEST)
BoundsOf = Callable[[str], Bounds]
"""The bounds of a feature or a field of a name."""


def bounds_of(feature: Feature, operand: BoundsOf, amount: str) -> Bounds:
    """Return the bounds of a feature.

    Parameters
    ----------
    feature
        The declaration.
    operand
        The bounds of what the feature is computed from.
    amount
        The field that windows sum.
    """
    match feature:
        case FieldFeature():
            return operand(feature.field).joined(feature.default)
        case WindowFeature():
            return _of_window(feature, operand(amount))
        case ProfileFeature() | CalendarFeature() | FlagFeature():
            return Bounds(0, _most(feature))
        case RatioFeature():
            return _of_ratio(*map(operand, feature.ratio)).joined(feature.default)
        case LogFeature():
            low, high = operand(feature.log)
            return Bounds(log1p(max(low, 0)), log1p(max(high, 0)))
        case ClipFeature():
            return _of_clip(feature, operand(feature.clip))


def _most(feature: ProfileFeature | CalendarFeature | FlagFeature) -> float:
    """Return the most of what is never negative."""
    match feature:
        case ProfileFeature():
            return 1 if feature.measure == "positive_share" else _MOST_EVENTS
        case CalendarFeature():
            return _CALENDAR_MOST[feature.calendar]
        case FlagFeature():
            return 1


def _of_window(feature: WindowFeature, amount: Bounds) -> Bounds:
    low, high = amount
    match feature.aggregate:
        case "mean" | "max":
            return amount
        case "std":
            return Bounds(0, (high - low) / 2)
        case "sum":
            return Bounds(min(low, low * _MOST_EVENTS), max(high, high * _MOST_EVENTS))
        case "seconds_since_last":
            return Bounds(0, feature.window_ms / 1_000).joined(feature.default)
        case "count":
            return Bounds(1, _MOST_EVENTS)
        case "distinct":  # null is no value
            return Bounds(0, _MOST_EVENTS)


def _of_ratio(numerator: Bounds, denominator: Bounds) -> Bounds:
    both_up = numerator.low >= 0 and denominator.low >= 0
    both_down = numerator.high <= 0 and denominator.high <= 0
    return Bounds(0 if both_up or both_down else -_LARGEST, _LARGEST)


def _of_clip(feature: ClipFeature, operand: Bounds) -> Bounds:
    low, high = operand
    if feature.min is not None:
        low, high = max(low, feature.min), max(high, feature.min)
    if feature.max is not None:
        low, high = min(low, feature.max), min(high, feature.max)
    return Bounds(low, high)
