"""Which segments a charter's events are of."""

import math

import pytest

from headrace.contracts.location import shipped
from headrace.usecase.charter import Charter
from headrace.usecase.drift import Drift
from headrace.usecase.segments import Segments, segment_name

CHARTER = Charter.load(shipped("deploy") / "charters" / "card-fraud.toml")
NAMES = CHARTER.feature_set.names
SEGMENTS = Segments(
    CHARTER.model_copy(update={"drift": Drift(segments=("card_new", "weekend"))}),
)


def decided(**changes):
    features = [1.0 if name == "card_new" else 0.0 for name in NAMES]
    return {"feature_set": CHARTER.feature_set.digest, "features": features, **changes}


def test_an_event_is_of_one_segment_for_each_feature_that_the_charter_names():
    assert SEGMENTS.of(decided()) == ["card_new=1", "weekend=0"]


def test_where_the_charter_names_none_it_is_of_none():
    assert Segments(CHARTER).of({}) == []


@pytest.mark.parametrize("other", [{"feature_set": bytes(32)}, {"features": [1.0]}])
def test_a_vector_of_other_features_is_of_none(other):
    assert SEGMENTS.of(decided(**other)) == []


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (23.0, "23"),
        (0.5, "other"),
        (math.nan, "other"),
        (math.inf, "other"),
    ],
)
def test_what_is_no_whole_number_is_among_the_others(value, told):
    assert segment_name("hour", value) == f"hour={told}"


def test_a_segment_is_the_charters_whatever_its_value():
    assert SEGMENTS.has("card_new=7")
    assert not SEGMENTS.has("night=1")
