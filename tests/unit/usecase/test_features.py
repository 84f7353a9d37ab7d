"""The declared features as one vector."""

import math
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from headrace.usecase.features import Feature, FeatureSet
from headrace.usecase.history import KeyHistory, id_digest

DAY_MS = 86_400_000
MEAN = {"name": "mean_7d", "aggregate": "mean", "window": "7d"}
AMOUNT = {"name": "amount", "field": "cents"}
COUNT_1D = {"name": "count_1d", "aggregate": "count", "window": "1d"}
COUNT_7D = {"name": "count_7d", "aggregate": "count", "window": "7d"}
FEATURES = (MEAN, AMOUNT, COUNT_1D, COUNT_7D)
DECLARED = TypeAdapter(tuple[Feature, ...])


def feature_set(*features: dict, amount: str = "cents") -> FeatureSet:
    declared = DECLARED.validate_python(features)
    return FeatureSet(declared, key="card", time="at", amount=amount)


def vectors(features: FeatureSet, records: list[dict]) -> np.ndarray:
    """Return the matrix of one key's events, in the order in which they arrive."""
    history, measured = KeyHistory(100 * DAY_MS, features.layout), []
    for offset, record in enumerate(records):
        index, _, _ = history.add(
            record["at"],
            record["cents"],
            offset,
            id_digest(str(offset)),
            b"8 bytes.",
            features.tokens(record),
        )
        measured += features.windows.measure(history, index)
    return features.matrix(records, measured)


def column(records: list[dict], *features: dict) -> list[float]:
    """Return the column of the last feature, where no window is needed."""
    return feature_set(*features).matrix(records, [])[:, -1].tolist()


def test_the_vector_stands_in_the_declared_order() -> None:
    features = feature_set(*FEATURES)
    assert features.names == ("mean_7d", "amount", "count_1d", "count_7d")
    assert features.windows_ms == (DAY_MS, 7 * DAY_MS)
    records = [{"at": 0, "cents": 30}, {"at": 2 * DAY_MS, "cents": 5}]
    np.testing.assert_array_equal(vectors(features, records), [[30, 30, 1, 1], [17.5, 5, 1, 2]])


def test_every_aggregate_is_in_its_column() -> None:
    features = feature_set(
        {"name": "merchants", "aggregate": "distinct", "of": "merchant", "window": "7d"},
        {"name": "cities", "aggregate": "distinct", "of": "city", "window": "1d"},
        {"name": "max_1d", "aggregate": "max", "window": "1d"},
        {"name": "std", "aggregate": "std", "window": "7d"},
        {"name": "sum", "aggregate": "sum", "window": "7d"},
        {"name": "since", "aggregate": "seconds_since_last", "window": "1d", "default": -1},
        {"name": "since_7d", "aggregate": "seconds_since_last", "window": "7d", "default": -2},
        {"name": "max_7d", "aggregate": "max", "window": "7d"},
    )
    records = [
        {"at": 0, "cents": 30, "merchant": "a", "city": None},
        {"at": 2 * DAY_MS, "cents": 10, "merchant": "b", "city": "x"},
        {"at": 2 * DAY_MS + 1_500, "cents": 20, "merchant": "a", "city": "y"},
    ]
    np.testing.assert_allclose(
        vectors(features, records),
        [
            [1, 0, 30, 0, 30, -1, -2, 30],
            [2, 1, 10, 10, 40, -1, 172_800, 30],
            [2, 2, 20, (200 / 3) ** 0.5, 60, 1.5, 1.5, 30],
        ],
        rtol=1e-15,
    )


def test_no_events_make_a_matrix_without_rows() -> None:
    assert feature_set(*FEATURES).matrix([], []).shape == (0, 4)


def test_features_without_windows_need_no_history() -> None:
    features = feature_set(AMOUNT)
    assert features.windows_ms == ()
    np.testing.assert_array_equal(features.matrix([{"cents": 3}, {"cents": 4}], []), [[3], [4]])


def test_a_field_that_is_null_has_its_default() -> None:
    field = {"name": "km", "field": "km", "default": 7.5}
    assert column([{"km": None}, {"km": 2.5}, {"km": 0}], field) == [7.5, 2.5, 0.0]


@given(st.integers(-(10**12), 4 * 10**12), st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kabul"]))
def test_the_calendar_is_that_of_the_zone(at_ms, zone) -> None:
    local = datetime.fromtimestamp(at_ms // 1_000, UTC).astimezone(ZoneInfo(zone))
    expected = {
        "hour": local.hour,
        "weekday": local.weekday(),
        "weekend": float(local.weekday() >= 5),
        "night": float(local.hour <= 6),
    }
    for name, value in expected.items():
        feature = {"name": "it", "calendar": name, "zone": zone}
        assert column([{"at": at_ms}], feature) == [value]


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [(6, 4, 1.5), (6, 0, -1.0), (0, 0, -1.0), (1e308, 1e-308, -1.0), (-6, 4, -1.5)],
)
def test_a_ratio_is_the_quotient_or_else_its_default(numerator, denominator, expected) -> None:
    ratio = {"name": "it", "ratio": ["a", "b"], "default": -1}
    assert column([{"a": numerator, "b": denominator}], ratio) == [expected]


def test_a_logarithm_is_of_one_more() -> None:
    records = [{"x": 0}, {"x": 1e-12}, {"x": 999}]
    assert column(records, {"name": "it", "log": "x"}) == pytest.approx(
        [0.0, 1e-12, math.log(1_000)], rel=1e-12
    )


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [({"min": 0}, [0, 3, 9]), ({"max": 5}, [-2, 3, 5]), ({"min": 0, "max": 5}, [0, 3, 5])],
)
def test_a_clip_holds_within_its_bounds(bounds, expected) -> None:
    records = [{"x": -2}, {"x": 3}, {"x": 9}]
    assert column(records, {"name": "it", "clip": "x", **bounds}) == expected


@pytest.mark.parametrize(
    ("comparison", "expected"),
    [
        ({"above": 3}, [0, 0, 1]),
        ({"at_least": 3}, [0, 1, 1]),
        ({"below": 3}, [1, 0, 0]),
        ({"at_most": 3}, [1, 1, 0]),
        ({"one_of": [3, 4, 5]}, [0, 1, 1]),
    ],
)
def test_a_flag_is_one_where_the_comparison_holds(comparison, expected) -> None:
    records = [{"x": 2}, {"x": 3}, {"x": 4}]
    assert column(records, {"name": "it", "flag": "x", **comparison}) == expected


def test_a_flag_of_a_text_is_one_where_it_is_in_the_set_and_null_never_is() -> None:
    flag = {"name": "it", "flag": "currency", "one_of": ["EUR", "USD"]}
    records = [{"currency": "EUR"}, {"currency": "GBP"}, {"currency": None}]
    assert column(records, flag) == [1, 0, 0]


def test_an_expression_sees_the_feature_before_it_and_else_the_field() -> None:
    features = feature_set(
        {"name": "a", "log": "x"},
        {"name": "b", "clip": "a", "max": 1},
        {"name": "c", "ratio": ["b", "x"], "default": 0},
    )
    matrix = features.matrix([{"x": 9}], [])
    np.testing.assert_allclose(matrix, [[math.log(10), 1, 1 / 9]], rtol=1e-15)


@given(st.lists(st.tuples(st.integers(0, DAY_MS), st.integers(-50, 50)), min_size=1, max_size=20))
def test_a_vector_does_not_depend_on_its_batch(events) -> None:
    features = feature_set(
        *FEATURES,
        {"name": "ratio", "ratio": ["amount", "mean_7d"], "default": 1},
        {"name": "positive", "clip": "amount", "min": 0},
        {"name": "log", "log": "positive"},
        {"name": "std", "aggregate": "std", "window": "7d"},
        {"name": "hour", "calendar": "hour"},
        {"name": "large", "flag": "ratio", "above": 2},
    )
    records = [{"at": at, "cents": cents} for at, cents in events]
    history, measured = KeyHistory(DAY_MS, features.layout), []
    for offset, record in enumerate(records):
        index, _, _ = history.add(record["at"], record["cents"], offset, bytes(16), bytes(8))
        measured.append(features.windows.measure(history, index))
    whole = features.matrix(records, [each for row in measured for each in row])
    assert np.isfinite(whole).all()
    for record, row, vector in zip(records, measured, whole, strict=True):
        np.testing.assert_array_equal(features.matrix([record], row), [vector])


@pytest.mark.parametrize(
    "other",
    [
        feature_set(*reversed(FEATURES)),
        feature_set(*FEATURES[:3]),
        feature_set(*FEATURES, amount="pence"),
        feature_set({**MEAN, "window": "8d"}, *FEATURES[1:]),
        feature_set({**MEAN, "name": "avg_7d"}, *FEATURES[1:]),
        feature_set({**MEAN, "aggregate": "sum"}, *FEATURES[1:]),
        feature_set(MEAN, {**AMOUNT, "default": 1}, *FEATURES[2:]),
        feature_set(MEAN, {"name": "amount", "log": "cents"}, *FEATURES[2:]),
    ],
)
def test_the_digest_tells_other_features_apart(other) -> None:
    assert other.digest != feature_set(*FEATURES).digest


def test_the_digest_is_of_what_is_meant_not_of_how_it_is_written_or_what_people_read() -> None:
    week = {**MEAN, "window": "168h", "unit": "minor", "description": "Habit."}
    assert feature_set(week, *FEATURES[1:]).digest == feature_set(*FEATURES).digest
