"""What the model sees of an event: declared by name, computed by one code path."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, StringConstraints, model_validator
from pydantic.dataclasses import dataclass

from headrace.usecase.declared import STRICT, DurationMs, Text

FeatureName = Annotated[
    str, StringConstraints(strict=True, pattern=r"^[a-z][a-z0-9_]*$", max_length=128)
]


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Feature:
    """One number: a field of the event, or an aggregate of its key's window that ends at it."""

    name: FeatureName
    field: Text | None = None
    aggregate: Literal["count", "mean"] | None = None
    """Of the events in the window, or of their amounts."""
    window_ms: DurationMs | None = Field(default=None, alias="window")

    @model_validator(mode="after")
    def _has_one_meaning(self) -> Self:
        windowed = self.aggregate is not None and self.window_ms is not None
        apart = self.aggregate is None and self.window_ms is None
        if not (windowed if self.field is None else apart):
            raise ValueError("a feature is a field, or an aggregate and a window")
        return self


class FeatureSet:
    """The declared features as one vector.

    Parameters
    ----------
    features
        In the order of the vector.
    key, time, amount
        The fields that the windows go by: whose, when, and what they sum.
    """

    def __init__(self, features: Sequence[Feature], *, key: str, time: str, amount: str) -> None:
        self._features = tuple(features)
        self.names = tuple(feature.name for feature in features)
        self.windows_ms = tuple(sorted({f.window_ms for f in features if f.window_ms is not None}))
        """The distinct windows, shortest first."""
        self.digest = _digest(features, {"key": key, "time": time, "amount": amount})
        """SHA-256 of the names, order and definitions."""

    def matrix(
        self, records: Sequence[Mapping[str, Any]], measured: Sequence[int]
    ) -> NDArray[np.float64]:
        """Compute the vectors of a batch.

        Parameters
        ----------
        records
            The n events.
        measured
            Count and sum for each event and each of ``windows_ms``, flat, as
            ``KeyHistory.windows`` returns them.

        Returns
        -------
        (n, k); means are in the unit of the amount.
        """
        windows = np.array(measured, np.int64).reshape(len(records), len(self.windows_ms), 2)
        matrix = np.empty((len(records), len(self._features)))
        for column, feature in enumerate(self._features):
            if feature.field is not None:
                matrix[:, column] = [record[feature.field] for record in records]
            elif feature.window_ms is not None:
                counts, sums = windows[:, self.windows_ms.index(feature.window_ms)].T
                matrix[:, column] = counts if feature.aggregate == "count" else sums / counts
        return matrix


def _digest(features: Sequence[Feature], fields: Mapping[str, str]) -> bytes:
    definitions = [
        {"name": f.name, "field": f.field, "aggregate": f.aggregate, "window_ms": f.window_ms}
        for f in features
    ]
    canonical = json.dumps(
        {**fields, "features": definitions}, sort_keys=True, separators=(",", ":")
    )
    return sha256(canonical.encode()).digest()
