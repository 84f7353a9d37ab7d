"""What a charter's features may get wrong: each is told with its key, and what would be right."""

import pytest
from pydantic import TypeAdapter, ValidationError

from headrace.usecase.checks import Check
from headrace.usecase.events import Events
from headrace.usecase.feature_problems import feature_problems
from headrace.usecase.features import Feature

DECLARED = TypeAdapter(tuple[Feature, ...])
FIELDS = ["id", "card", "at", "cents", "currency", "merchant", "km", "balance", "note"]
EVENTS = Events(
    schema="any/Payment",
    id="id",
    key="card",
    time="at",
    amount="cents",
    currency="currency",
    lateness="1d",
    duplicate_span="1d",
    future_skew="5m",
    checks={
        "at": Check(min=0),
        "cents": Check(min=0, max=1_000),
        "currency": Check(one_of=("EUR", "USD")),
        "merchant": Check(max_length=10),
        "km": Check(min=0, max=100, nullable=True),
        "balance": Check(min=-100, max=100),
    },
)
MEAN = {"name": "mean", "aggregate": "mean", "window": "7d"}
HOUR = {"name": "hour", "calendar": "hour"}
NET = {"name": "net", "field": "balance"}


def problems(*features: dict) -> list[tuple[str, str]]:
    """Return key and message of each problem of the last feature."""
    declared = DECLARED.validate_python(features)
    found = [problem[:2] for problem in feature_problems(EVENTS, declared, FIELDS)]
    assert {path[:2] for path, _ in found} <= {("features", len(features) - 1)}
    return [(path[2], message) for path, message in found]


@pytest.mark.parametrize(
    "features",
    [
        [{"name": "cents", "field": "cents"}],
        [{"name": "km", "field": "km", "default": 0}],
        [{"name": "sellers", "aggregate": "distinct", "of": "merchant", "window": "7d"}],
        [{"name": "it", "log": "cents"}],
        [MEAN, {"name": "it", "log": "mean"}],
        [NET, {"name": "up", "clip": "net", "min": 0}, {"name": "it", "log": "up"}],
        [MEAN, {"name": "it", "ratio": ["cents", "mean"], "default": 1}],
        [MEAN, {"name": "r", "ratio": ["cents", "mean"], "default": 1}, {"name": "i", "log": "r"}],
        [{"name": "it", "flag": "currency", "one_of": ["USD"]}],
        [{"name": "it", "flag": "merchant", "one_of": ["any"]}],
        [HOUR, {"name": "it", "flag": "hour", "at_least": 22}],
        [HOUR, {"name": "it", "flag": "hour", "one_of": [0, 23]}],
    ],
)
def test_what_can_be_computed_is_no_problem(features) -> None:
    assert problems(*features) == []


@pytest.mark.parametrize(
    ("features", "key", "told"),
    [
        ([{"name": "it", "field": "cent"}], "field", "no field of the event cent; did you mean ce"),
        ([{"name": "it", "field": "km"}], "field", "km may be null: declare a default"),
        ([{"name": "it", "field": "note"}], "field", "note needs a check in [events.checks] with"),
        ([{"name": "it", "field": "at"}], "field", "at needs a check"),
        ([{"name": "km", "field": "cents"}], "name", "km is a field, and this is another"),
        ([MEAN, MEAN], "name", "mean is declared twice"),
        ([{**MEAN, "window": "401d"}], "window", "kept for 400d at most"),
        (
            [{"name": "it", "aggregate": "distinct", "of": "cents", "window": "1d"}],
            "of",
            "cents is a number, and a text is needed",
        ),
        (
            [{"name": "it", "aggregate": "distinct", "of": "merchants", "window": "1d"}],
            "of",
            "no field of the event merchants; did you mean merchant?",
        ),
        (
            [{"name": "it", "aggregate": "distinct", "of": "note", "window": "1d"}],
            "of",
            "with one_of or max_length",
        ),
        ([MEAN, {"name": "it", "log": "maen"}], "log", "did you mean mean?"),
        ([{"name": "it", "log": "it"}], "log", "it is declared after it"),
        ([NET, {"name": "it", "log": "net"}], "log", "net may be negative (from -100): clip it"),
        ([{"name": "it", "log": "balance"}], "log", "balance may be negative"),
        ([{"name": "it", "log": "km"}], "log", "km may be null: make it a feature with a default"),
        ([{"name": "it", "ratio": ["cents", "card"], "default": 0}], "ratio", "card needs a check"),
        ([{"name": "it", "clip": "merchant", "max": 1}], "clip", "merchant needs a check in"),
        (
            [{"name": "it", "flag": "cents", "above": 1_000}],
            "above",
            "is never so: cents is from 0",
        ),
        (
            [HOUR, {"name": "it", "flag": "hour", "at_least": 24}],
            "at_least",
            "hour is from 0 to 23",
        ),
        ([HOUR, {"name": "it", "flag": "hour", "one_of": ["22"]}], "flag", "hour is a number"),
        (
            [{"name": "it", "flag": "currency", "one_of": ["EUR", "USB"]}],
            "one_of",
            "no value of currency USB; did you mean USD?",
        ),
    ],
)
def test_what_cannot_be_computed_is_told_with_what_would_be_right(features, key, told) -> None:
    ((found, message),) = problems(*features)
    assert found == key
    assert told in message


def test_a_ratio_cannot_go_round_in_a_circle() -> None:
    features = DECLARED.validate_python(
        [
            {"name": "a", "ratio": ["b", "cents"], "default": 0},
            {"name": "b", "ratio": ["a", "cents"], "default": 0},
        ]
    )
    ((path, message, _),) = feature_problems(EVENTS, features, FIELDS)
    assert path == ("features", 0, "ratio")
    assert message == "b is declared after it: a feature uses what is before it"


@pytest.mark.parametrize(
    ("feature", "told"),
    [
        (
            {"name": "it"},
            "exactly one of field, aggregate, profile, calendar, ratio, log, clip, flag",
        ),
        ({"name": "it", "field": "a", "log": "b"}, "exactly one of field, aggregate"),
        ({"name": "it", "aggregate": "median", "window": "1d"}, "should be 'count', 'sum'"),
        ({"name": "it", "aggregate": "count"}, "required"),
        ({"name": "it", "aggregate": "distinct", "window": "1d"}, "needs of"),
        ({"name": "it", "aggregate": "count", "of": "a", "window": "1d"}, "and no other, needs of"),
        ({"name": "it", "aggregate": "seconds_since_last", "window": "1d"}, "needs default"),
        ({"name": "it", "calendar": "minute"}, "should be 'hour', 'weekday', 'weekend' or 'night'"),
        (
            {"name": "it", "calendar": "hour", "zone": "Europe/Berlim"},
            "no time zone Europe/Berlim; did you mean Europe/Berlin?",
        ),
        ({"name": "it", "calendar": "hour", "zone": "Europe"}, "no time zone Europe"),
        ({"name": "it", "calendar": "hour", "zone": "../etc"}, "no time zone ../etc"),
        ({"name": "it", "ratio": ["a"], "default": 0}, "at least 2"),
        ({"name": "it", "ratio": ["a", "b"]}, "required"),
        ({"name": "it", "clip": "a"}, "a clip needs min, or max, or both"),
        ({"name": "it", "clip": "a", "min": 2, "max": 1}, "min 2 is above max 1"),
        ({"name": "it", "flag": "a"}, "a flag is exactly one of above, at_least"),
        ({"name": "it", "flag": "a", "above": 1, "below": 2}, "a flag is exactly one of"),
        ({"name": "It", "field": "a"}, "should match pattern"),
    ],
)
def test_a_feature_that_is_wrong_in_itself_says_so(feature, told) -> None:
    with pytest.raises(ValidationError) as caught:
        DECLARED.validate_python([feature])
    assert told in str(caught.value)
