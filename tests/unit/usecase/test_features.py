"""The declared features as one vector."""

import numpy as np
import pytest

from headrace.usecase.features import Feature, FeatureSet

DAY_MS = 86_400_000
FEATURES = (
    Feature(name="mean_7d", aggregate="mean", window="7d"),
    Feature(name="amount", field="cents"),
    Feature(name="count_1d", aggregate="count", window="1d"),
    Feature(name="count_7d", aggregate="count", window="7d"),
)


def feature_set(*features: Feature, amount: str = "cents") -> FeatureSet:
    return FeatureSet(features, key="card", time="at", amount=amount)


def test_the_vector_stands_in_the_declared_order() -> None:
    features = feature_set(*FEATURES)
    assert features.names == ("mean_7d", "amount", "count_1d", "count_7d")
    assert features.windows_ms == (DAY_MS, 7 * DAY_MS)
    matrix = features.matrix([{"cents": 30}, {"cents": 5}], [1, 30, 3, 50, 2, 7, 4, 9])
    np.testing.assert_array_equal(matrix, [[50 / 3, 30, 1, 3], [9 / 4, 5, 2, 4]])


def test_no_events_make_a_matrix_without_rows() -> None:
    assert feature_set(*FEATURES).matrix([], []).shape == (0, 4)


def test_features_without_windows_need_no_history() -> None:
    features = feature_set(FEATURES[1])
    assert features.windows_ms == ()
    np.testing.assert_array_equal(features.matrix([{"cents": 3}, {"cents": 4}], []), [[3], [4]])


@pytest.mark.parametrize(
    "other",
    [
        feature_set(*reversed(FEATURES)),
        feature_set(*FEATURES[:3]),
        feature_set(*FEATURES, amount="pence"),
        feature_set(Feature(name="mean_7d", aggregate="mean", window="8d"), *FEATURES[1:]),
        feature_set(Feature(name="avg_7d", aggregate="mean", window="7d"), *FEATURES[1:]),
    ],
)
def test_the_digest_tells_other_features_apart(other) -> None:
    assert other.digest != feature_set(*FEATURES).digest


def test_the_digest_is_of_what_is_meant_not_of_how_it_is_written() -> None:
    week = Feature(name="mean_7d", aggregate="mean", window="168h")
    assert feature_set(week, *FEATURES[1:]).digest == feature_set(*FEATURES).digest
