"""Segments: events to which a feature gives the same value, and that are watched by themselves."""

from collections.abc import Mapping
from typing import Any, Final

from headrace.usecase.charter import Charter

OTHER: Final = "other"
"""Stands for all values that are not told apart."""


class Segments:
    """Of which segments an event is, by the vector that it was decided by."""

    def __init__(self, charter: Charter) -> None:
        features = charter.feature_set
        self._digest, self._width = features.digest, len(features.names)
        self.places: Mapping[str, int] = {
            name: features.names.index(name) for name in charter.drift.segments
        }
        """By feature, where in the vector it is."""

    def has(self, segment: str) -> bool:
        """Tell whether it is one of the charter's, whatever the value."""
        return feature_of(segment) in self.places

    def of(self, record: Mapping[str, Any]) -> list[str]:
        """Return those of a decision or an outcome, one for each of the charter's features.

        There are none where its vector is of other features than the charter's.
        """
        if not self.places or record["feature_set"] != self._digest:
            return []
        vector = record["features"]
        if len(vector) != self._width:
            return []
        return [segment_name(name, vector[place]) for name, place in self.places.items()]


def segment_name(feature: str, value: float) -> str:
    """Return what the events of a value are called; values are whole numbers, or others."""
    return f"{feature}={int(value) if float(value).is_integer() else OTHER}"


def feature_of(segment: str) -> str:
    """Return the feature whose values a segment goes by."""
    return segment.partition("=")[0]
