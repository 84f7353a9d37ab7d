"""The world's calendar: when it begins, and how days and weeks differ."""

from datetime import UTC, datetime

START_MS = 1_767_225_600_000
"""2026-01-01T00:00:00Z: the same whenever it is run."""
SPAN_DAYS = 42
"""Event time that a world's purchases fill, so that windows of 30 days are filled too."""
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
ACTIVITY = (0.90, 0.90, 0.95, 1.00, 1.15, 1.25, 0.85)
"""Purchases of a day from Monday to Sunday, of the mean day's; the mean is 1."""
WEEKEND_HOURS_LATER = 1.5
_SATURDAY = 5


def weekday(day: int) -> int:
    """Return the weekday of the world's day ``day`` (from 0): 0 is Monday."""
    return datetime.fromtimestamp((START_MS + day * DAY_MS) / 1_000, UTC).weekday()


def is_weekend(day: int) -> bool:
    """Say whether the world's day ``day`` (from 0) is a Saturday or a Sunday."""
    return weekday(day) >= _SATURDAY
