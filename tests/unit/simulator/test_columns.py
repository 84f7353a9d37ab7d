"""Columns of a recorded data set become exact values, or an error that names the row."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.simulator.columns import LARGEST, BadCellError, cents, convert, fits


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (0.29, 29),  # times 100 it is 28.999999999999996
        (1.15, 115),  # times 100 it is 114.99999999999999
        (4.35, 435),
        (57.16, 5_716),
        (8_589_934_592.01, 858_993_459_201),
        (0.0, 0),
        (-19.99, -1_999),
        (0.285, 28),  # a tie in decimals goes to the even cent, whatever the binary number is
        (0.295, 30),
        (1.005, 100),
        (1.0050000000000001, 101),
        (0.004999999999999999, 0),
    ],
)
def test_an_amount_is_rounded_as_the_decimal_that_it_prints_as(amount, expected):
    assert cents(np.array([amount])).tolist() == [expected]


@given(st.integers(-(10**14), 10**14))
def test_every_amount_of_whole_cents_survives_the_double(exact):
    assert cents(np.array([float(Decimal(exact) / 100)])).tolist() == [exact]


@given(st.floats(-LARGEST, LARGEST, exclude_min=True, exclude_max=True))
def test_any_amount_is_rounded_as_decimals_are(amount):
    rounded = (Decimal(repr(amount)) * 100).to_integral_value(ROUND_HALF_EVEN)
    assert cents(np.array([amount])).tolist() == [int(rounded)]


def test_a_time_without_a_zone_is_utc():
    column = pa.array([datetime(2018, 4, 1, 0, 0, 31)], pa.timestamp("ns"))  # noqa: DTZ001 -- as recorded
    expected = datetime(2018, 4, 1, 0, 0, 31, tzinfo=UTC).timestamp() * 1_000
    assert convert("utc_ms", column) == [expected]


def test_a_time_with_a_zone_keeps_its_instant():
    east = timezone(timedelta(hours=2))
    column = pa.array([datetime(2018, 4, 1, 2, tzinfo=east)], pa.timestamp("us", tz="+02:00"))
    assert convert("utc_ms", column) == [datetime(2018, 4, 1, tzinfo=UTC).timestamp() * 1_000]


def test_what_is_finer_than_a_millisecond_is_cut_off():
    assert convert("utc_ms", pa.array([1_999_999], pa.timestamp("ns"))) == [1]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_every_unit_of_time_becomes_milliseconds(unit):
    column = pa.array([datetime(2018, 4, 1)], pa.timestamp(unit))  # noqa: DTZ001 -- as recorded
    assert convert("utc_ms", column) == [1_522_540_800_000]


def test_whole_numbers_become_text_without_a_point():
    assert convert("text", pa.array([0, 1_303_777], pa.int64())) == ["0", "1303777"]


@pytest.mark.parametrize(
    ("conversion", "arrow_type"),
    [
        ("cents", pa.float64()),
        ("text", pa.int64()),
        ("text", pa.string()),
        ("utc_ms", pa.timestamp("ns")),
        ("utc_ms", pa.timestamp("ms", tz="UTC")),
    ],
)
def test_a_column_of_the_expected_type_fits(conversion, arrow_type):
    assert fits(conversion, arrow_type)


@pytest.mark.parametrize(
    ("conversion", "arrow_type"),
    [
        ("cents", pa.string()),
        ("cents", pa.float32()),
        ("text", pa.float64()),
        ("utc_ms", pa.int64()),
        ("utc_ms", pa.string()),
    ],
)
def test_a_column_of_another_type_does_not_fit(conversion, arrow_type):
    assert not fits(conversion, arrow_type)


def test_a_null_is_named_by_its_row():
    with pytest.raises(BadCellError, match="is null") as caught:
        convert("cents", pa.array([1.0, 2.0, None, None]))
    assert caught.value.row == 2


@pytest.mark.parametrize("amount", [float("nan"), float("inf"), float("-inf"), LARGEST])
def test_what_is_no_amount_of_money_is_named_by_its_row(amount):
    with pytest.raises(BadCellError, match="not an amount of money") as caught:
        convert("cents", pa.array([1.0, amount]))
    assert caught.value.row == 1
