"""The checks of an event's values."""

import math

import pytest

from headrace.usecase.checks import Check, EventChecks

NOW_MS = 1_700_000_000_000
SKEW_MS = 300_000
VALID = {
    "id": "e-1",
    "amount": 500,
    "currency": "EUR",
    "at": NOW_MS,
    "distance": None,
}


@pytest.fixture
def fault():
    """Return what is wrong with an event that is valid but for the given fields."""
    checks = EventChecks(
        {
            "id": Check(max_length=8),
            "amount": Check(min=0, max=1_000),
            "currency": Check(one_of=("EUR", "USD")),
            "at": Check(min=946_684_800_000),
            "distance": Check(min=0, max=20_040, nullable=True),
        },
        time="at",
        future_skew_ms=SKEW_MS,
    )
    return lambda **fields: checks({**VALID, **fields}, NOW_MS)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"id": "12345678"},
        {"amount": 0},
        {"amount": 1_000},
        {"currency": "USD"},
        {"at": NOW_MS + SKEW_MS},
        {"distance": 20_040.0},
    ],
)
def test_what_is_within_the_declared_passes(fault, fields) -> None:
    assert fault(**fields) is None


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"amount": -1}, "amount is -1, not from 0 to 1000"),
        ({"amount": 1_001}, "amount is 1001, not from 0 to 1000"),
        ({"amount": None}, "amount is null"),
        ({"id": ""}, "id is empty"),
        ({"id": "123456789"}, "id has more than 8 characters"),
        ({"id": None}, "id is null"),
        ({"currency": "DEM"}, "currency is 'DEM', not one of EUR, USD"),
        ({"currency": ""}, "currency is '', not one of EUR, USD"),
        ({"currency": None}, "currency is None, not one of EUR, USD"),
        ({"at": 0}, "at is 0, not from 946684800000 to 1.7976931348623157e+308"),
        ({"distance": math.nan}, "distance is nan, not from 0 to 20040"),
        ({"distance": math.inf}, "distance is inf, not from 0 to 20040"),
        ({"distance": -0.1}, "distance is -0.1, not from 0 to 20040"),
    ],
)
def test_anything_else_is_an_invalid_value_that_is_told(fault, fields, detail) -> None:
    assert fault(**fields) == ("invalid_value", detail)


def test_an_event_further_ahead_of_the_clock_than_the_skew_is_of_the_future(fault) -> None:
    assert fault(at=NOW_MS + SKEW_MS + 1) == ("future", "at is 300001 ms ahead of the clock")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("bounds", [{"min": 0}, {"max": 0}])
def test_nan_and_infinite_fail_where_only_one_bound_is_declared(value, bounds) -> None:
    checks = EventChecks({"x": Check(**bounds)}, time="at", future_skew_ms=0)
    assert checks({"x": value, "at": 0}, 0) is not None


def test_a_huge_value_is_cut_short_in_the_detail(fault) -> None:
    reason, detail = fault(currency="x" * 10_000)
    assert reason == "invalid_value"
    assert len(detail) < 140
