"""Features as columns: each declaration compiled to a function over a whole batch.

All columns are computed for one event as they are for many, element by element, so that a
feature does not depend on the batch that its event was in.
"""

import operator
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from headrace.usecase.feature_kinds import (
    CalendarFeature,
    CalendarName,
    ClipFeature,
    Feature,
    FieldFeature,
    FlagFeature,
    LogFeature,
    ProfileFeature,
    RatioFeature,
    WindowFeature,
)

Column = NDArray[np.float64]
Records = Sequence[Mapping[str, Any]]
Operand = Callable[[Records, Sequence[Column]], Column]
"""Given the events and the columns before it, a column."""
Resolve = Callable[[str], Operand]
"""Finds the feature before, or else the field, of a name."""

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
_MILLISECOND: Final = timedelta(milliseconds=1)
_THURSDAY: Final = 3
"""1970-01-01."""
_NIGHT_UNTIL_HOUR: Final = 6
_SATURDAY: Final = 5
_COMPARE: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "above": operator.gt,
    "at_least": operator.ge,
    "below": operator.lt,
    "at_most": operator.le,
}


def field_column(field: str, default: float | None = None) -> Operand:
    """Return the column of a numeric field, in which ``default`` stands for null."""
    if default is None:
        return lambda records, _: np.array([record[field] for record in records], np.float64)

    def column(records: Records, _: Sequence[Column]) -> Column:
        values = [record[field] for record in records]
        return np.array([default if value is None else value for value in values], np.float64)

    return column


def compiled(feature: Feature, time: str, resolve: Resolve) -> Operand | None:
    """Return how the column of a feature is computed; None for what is measured before.

    Parameters
    ----------
    feature
        The declaration.
    time
        The field with the event time in milliseconds.
    resolve
        Finds what the feature is computed from.
    """
    match feature:
        case FieldFeature():
            return field_column(feature.field, feature.default)
        case CalendarFeature():
            return _calendar(feature, time)
        case RatioFeature():
            return _ratio(feature, *map(resolve, feature.ratio))
        case LogFeature():
            return _log(resolve(feature.log))
        case ClipFeature():
            return _clip(feature, resolve(feature.clip))
        case FlagFeature():
            return _flag(feature, resolve)
        case WindowFeature() | ProfileFeature():
            return None


def _calendar(feature: CalendarFeature, time: str) -> Operand:
    zone, calendar = feature.time_zone, feature.calendar

    def column(records: Records, _: Sequence[Column]) -> Column:
        times_ms = np.array([record[time] for record in records], np.int64)
        if zone is not None:
            times_ms += _offsets_ms(times_ms, zone)
        return calendar_column(times_ms, calendar)

    return column


def calendar_column(times_ms: NDArray[np.int64], calendar: CalendarName) -> Column:
    """Return what the calendar says of (n,) local times in milliseconds since the epoch."""
    if calendar in ("hour", "night"):
        found = times_ms // HOUR_MS % 24
        return (found if calendar == "hour" else found <= _NIGHT_UNTIL_HOUR).astype(np.float64)
    found = (times_ms // DAY_MS + _THURSDAY) % 7
    return (found if calendar == "weekday" else found >= _SATURDAY).astype(np.float64)


def _offsets_ms(times_ms: NDArray[np.int64], zone: tzinfo) -> NDArray[np.int64]:
    """Return how far ahead of UTC a zone was at each of the times."""
    times_s = (times_ms // 1_000).tolist()
    offsets = (datetime.fromtimestamp(time_s, zone).utcoffset() for time_s in times_s)
    return np.array([0 if each is None else each // _MILLISECOND for each in offsets], np.int64)


def _ratio(feature: RatioFeature, numerator: Operand, denominator: Operand) -> Operand:
    default = feature.default

    def column(records: Records, before: Sequence[Column]) -> Column:
        with np.errstate(all="ignore"):  # what is not finite becomes the default
            quotients = numerator(records, before) / denominator(records, before)
        return np.where(np.abs(quotients) <= sys.float_info.max, quotients, default)

    return column


def _log(operand: Operand) -> Operand:
    return lambda records, before: np.log1p(operand(records, before))


def _clip(feature: ClipFeature, operand: Operand) -> Operand:
    low, high = feature.min, feature.max
    return lambda records, before: np.clip(operand(records, before), low, high)


def _flag(feature: FlagFeature, resolve: Resolve) -> Operand:
    comparison, constant = feature.comparison
    if comparison == "one_of" and isinstance(constant[0], str):
        return _text_flag(feature.flag, frozenset(constant))
    operand = resolve(feature.flag)
    if comparison == "one_of":
        return lambda records, before: np.isin(operand(records, before), constant).astype(float)
    compare = _COMPARE[comparison]
    return lambda records, before: compare(operand(records, before), constant).astype(float)


def _text_flag(field: str, texts: frozenset[str]) -> Operand:
    return lambda records, _: np.array([record[field] in texts for record in records], np.float64)
