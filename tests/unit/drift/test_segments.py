"""Which segments are followed, and what they are called."""

import pytest

from headrace.drift.segments import MOST, Followed, divided, within


@pytest.fixture
def followed():
    made = Followed()
    for value in range(MOST):
        assert made.pooled(f"hour={value}") == f"hour={value}"
    return made


def test_the_first_values_that_come_are_followed_and_all_others_are_one(followed):
    assert followed.pooled("hour=20") == "hour=other"
    assert followed.pooled("hour=0") == "hour=0"


def test_each_feature_has_its_own(followed):
    assert followed.pooled("weekend=1") == "weekend=1"


def test_others_take_the_place_of_no_value():
    made = Followed()
    made.pooled("hour=other")
    assert [made.pooled(f"hour={value}") for value in range(MOST)] == [
        f"hour={value}" for value in range(MOST)
    ]


@pytest.mark.parametrize(
    ("subject", "segment"),
    [("concept/positives", "card_new=1"), ("label/base_rate", "hour=other"), ("score/served", "")],
)
def test_a_subject_and_its_segment_are_told_apart(subject, segment):
    assert divided(within(subject, segment)) == (subject, segment)
