"""From the declared aggregates to what is measured of each event's windows."""

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from headrace.usecase.entry import Layout
from headrace.usecase.feature_kinds import WindowFeature
from headrace.usecase.windows import (
    Aggregate,
    Deviations,
    Distinct,
    Largest,
    SecondsSinceLast,
    Windows,
)


class Measures:
    """What to measure for some aggregates, and where each is in what was measured.

    Parameters
    ----------
    features
        In the order of their columns.
    """

    def __init__(self, features: Sequence[WindowFeature]) -> None:
        self._features = tuple(features)
        self.spans_ms = tuple(sorted({feature.window_ms for feature in features}))
        """The distinct windows, shortest first."""
        kinds = {feature.aggregate for feature in features}
        fields = tuple(sorted({feature.of for feature in features if feature.of is not None}))
        self.layout = Layout(fields, squares="std" in kinds)
        """What a history must keep."""
        self.width = 2 * len(self.spans_ms)
        """How many numbers are measured of an event."""
        self._places: dict[tuple[str, int, str | float | None], int] = {}
        self.windows = Windows(self.spans_ms, list(self._aggregates()))

    def columns(self, measured: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
        """Yield the column of each feature from the (n, ``width``) measured."""
        for feature in self._features:
            window = self.spans_ms.index(feature.window_ms)
            counts, sums = measured[:, 2 * window], measured[:, 2 * window + 1]
            match feature.aggregate:
                case "count":
                    yield counts
                case "sum":
                    yield sums
                case "mean":
                    yield sums / counts
                case _:
                    yield measured[:, self._places[_measured(feature)]]

    def _aggregates(self) -> Iterator[Aggregate]:
        if windows := self._take("std"):
            yield Deviations(windows)
        if windows := self._take("max"):
            yield Largest(windows)
        for column, field in enumerate(self.layout.fields):
            yield Distinct(column, self._take("distinct", field))
        for feature in self._features:
            if feature.default is not None and _measured(feature) not in self._places:
                self._places[_measured(feature)] = self.width
                self.width += 1
                window = self.spans_ms.index(feature.window_ms)
                yield SecondsSinceLast(window, feature.default)

    def _take(
        self, aggregate: Literal["std", "max", "distinct"], field: str | None = None
    ) -> list[int]:
        """Give places to an aggregate's windows, shortest first, and return which these are."""
        windows = {
            self.spans_ms.index(feature.window_ms)
            for feature in self._features
            if (feature.aggregate, feature.of) == (aggregate, field)
        }
        for window in sorted(windows):
            self._places[aggregate, self.spans_ms[window], field] = self.width
            self.width += 1
        return sorted(windows)


def _measured(feature: WindowFeature) -> tuple[str, int, str | float | None]:
    """Name what is measured: the aggregate, its window, and what else tells it apart."""
    apart = feature.of if feature.default is None else feature.default
    return feature.aggregate, feature.window_ms, apart
