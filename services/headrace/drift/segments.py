"""Watching events by what they have in common: which of them, and under which names."""

from collections import defaultdict
from typing import Final

from headrace.usecase.segments import OTHER, feature_of

MOST: Final = 8
"""Values of a feature that are followed, each by itself."""


class Followed:
    """Which segments are followed: of each feature the first values that come, others as one."""

    def __init__(self) -> None:
        self._segments = defaultdict[str, set[str]](set)

    def pooled(self, segment: str) -> str:
        """Return the segment that one is followed as: itself, or all others."""
        feature = feature_of(segment)
        others = f"{feature}={OTHER}"
        known = self._segments[feature]
        if segment == others or (segment not in known and len(known) == MOST):
            return others
        known.add(segment)
        return segment


def within(subject: str, segment: str) -> str:
    """Return the subject of a segment, given that of all events; the same where there is none."""
    return f"{subject}/{segment}" if segment else subject


def divided(subject: str) -> tuple[str, str]:
    """Return the subject of all events, and the segment; empty where it is of all."""
    whole, _, last = subject.rpartition("/")
    return (whole, last) if "=" in last else (subject, "")
