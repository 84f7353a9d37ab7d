"""What the model sees of an event: declared by name, computed by one code path."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from hashlib import sha256
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace.usecase.buckets import BucketedProfiles
from headrace.usecase.columns import Column, Operand, Records, compiled, field_column
from headrace.usecase.entry import TOKEN_BYTES, Layout
from headrace.usecase.feature_kinds import Feature, ProfileFeature, WindowFeature
from headrace.usecase.measures import Measures
from headrace.usecase.profiles import Profile, Profiles, reaches_ms

__all__ = ["Feature", "FeatureSet"]

_NO_TOKEN = bytes(TOKEN_BYTES)
_FOR_PEOPLE = ("unit", "description")


class FeatureSet:
    """The declared features as one vector.

    Parameters
    ----------
    features
        In the order of the vector; each is computed from fields, and features before it.
    key, time, amount
        The fields that the windows go by: whose, when, and what they sum.
    profiles
        Those that features name.
    """

    def __init__(
        self,
        features: Sequence[Feature],
        *,
        key: str,
        time: str,
        amount: str,
        profiles: Mapping[str, Profile] = MappingProxyType({}),
    ) -> None:
        self.names = tuple(feature.name for feature in features)
        keys = {
            f"profile {name}": {"key": profile.key, "bucket_ms": profile.bucket_ms}
            for name, profile in profiles.items()
        }
        self.digest = _digest(features, {"key": key, "time": time, "amount": amount, **keys})
        """SHA-256 of the names, order and definitions."""
        windowed = [feature for feature in features if isinstance(feature, WindowFeature)]
        self._measures = Measures(windowed)
        self.windows_ms = self._measures.spans_ms
        """The distinct windows, shortest first."""
        self.layout: Layout = self._measures.layout
        """What a key's history must keep."""
        self.windows = self._measures.windows
        """Measures the windows that end at an entry of a history, for :meth:`matrix`."""
        self._time, self._profiles = time, profiles
        self._profiled = [each for each in features if isinstance(each, ProfileFeature)]
        self._is_profiled = [isinstance(each, ProfileFeature) for each in features]
        self._columns = tuple(self._compiled(features, time))

    def new_profiles(self, lateness_ms: int) -> Profiles:
        """Return profiles that know nothing yet; what they measure of an event is for `matrix`."""
        return Profiles(self._profiles, self._profiled, self._time, lateness_ms)

    def new_bucketed_profiles(self) -> BucketedProfiles:
        """Return the same as a live service has it: counted by bucket."""
        return BucketedProfiles(self._profiles, self._profiled, self._time)

    def profile_reaches_ms(self, lateness_ms: int) -> dict[str, int]:
        """Return, by profile, how long before the latest event a window may begin."""
        return reaches_ms(self._profiles, self._profiled, lateness_ms)

    def _compiled(self, features: Sequence[Feature], time: str) -> Sequence[Operand | None]:
        """Return how each column is computed; None for what is measured before."""
        places: dict[str, int] = {}
        columns: list[Operand | None] = []

        def resolve(name: str) -> Operand:
            place = places.get(name)
            return field_column(name) if place is None else lambda _, before: before[place]

        for place, feature in enumerate(features):
            columns.append(compiled(feature, time, resolve))
            places[feature.name] = place
        return columns

    def tokens(self, record: Mapping[str, Any]) -> bytes:
        """Return what a history keeps of an event's values of the ``layout``'s fields."""
        fields = self.layout.fields
        return b"".join([_token(record[field]) for field in fields]) if fields else b""

    def matrix(
        self,
        records: Records,
        measured: Sequence[float] | NDArray[np.float64],
        profiled: Sequence[float] = (),
    ) -> NDArray[np.float64]:
        """Compute the vectors of a batch.

        Parameters
        ----------
        records
            The n events.
        measured
            What ``windows`` measured for each of them, one after the other.
        profiled
            What the profiles measured for each of them, one after the other.

        Returns
        -------
        (n, k), finite; aggregates but counts are in the unit of the amount.
        """
        windows = np.array(measured, np.float64).reshape(len(records), self._measures.width)
        aggregates = self._measures.columns(windows)
        profiles = iter(np.array(profiled, np.float64).reshape(-1, max(1, len(self._profiled))).T)
        matrix = np.empty((len(records), len(self._columns)), order="F")
        before: list[Column] = list(matrix.T)
        for column, operand, is_profiled in zip(
            before, self._columns, self._is_profiled, strict=True
        ):
            if operand is not None:
                column[:] = operand(records, before)
            else:
                column[:] = next(profiles if is_profiled else aggregates)
        return matrix


@lru_cache(maxsize=65_536)  # the same merchants, again and again
def _token(value: str | None) -> bytes:
    """Return the first bytes of a text's SHA-256, and zeros for null."""
    return _NO_TOKEN if value is None else sha256(value.encode()).digest()[:TOKEN_BYTES]


def _digest(features: Sequence[Feature], fields: Mapping[str, object]) -> bytes:
    """Digest what is meant: not how it is written, nor what only people read."""
    definitions = [
        {"kind": type(feature).__name__}
        | {name: value for name, value in asdict(feature).items() if name not in _FOR_PEOPLE}
        for feature in features
    ]
    canonical = json.dumps(
        {**fields, "features": definitions}, sort_keys=True, separators=(",", ":")
    )
    return sha256(canonical.encode()).digest()
