"""What an event turned out to be, as far as it is known by now."""

import contextlib
import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.labelling.domain import (
    Case,
    Decision,
    Label,
    Labelling,
    Refused,
    Verdict,
)
from headrace.usecase.labels import CENSORED, MATURED, Labels, LabelSource

DAY_MS = 86_400_000
LABELS = Labels(
    horizon="60d",
    sources={
        "analyst": LabelSource(delay="4h", horizon="3d", actions=("review",)),
        "appeal": LabelSource(delay="1d", horizon="30d", actions=("decline",)),
        "chargeback": LabelSource(delay="14d", horizon="60d", actions=("approve", "review")),
        "correction": LabelSource(delay="1d", horizon="180d", corrects=True),
    },
)
DUE_MS = 61 * DAY_MS
"""The horizon, and a day of lateness."""
rules = Labelling(LABELS, DAY_MS)


def decided(action: str = "approve", *, acted: bool = True) -> Case:
    case = Case()
    assert rules.decide(case, Decision(action, acted, 0)) is None
    return case


def label(source: str, value: bool, day: int = 20, revision: int = 1) -> Label:
    return Label(source, value, day * DAY_MS, revision)


def test_an_approved_event_that_nobody_disputes_was_good_once_horizon_and_lateness_are_over():
    case = decided()
    assert rules.mature(case, DUE_MS - 1) is None
    assert rules.mature(case, DUE_MS) == Verdict(False, MATURED, DUE_MS)
    assert rules.mature(case, DUE_MS + 1) is None, "it was told"


@pytest.mark.parametrize("action", ["review", "decline"])
def test_an_event_that_was_stopped_is_censored_and_never_held_to_be_good(action) -> None:
    assert rules.mature(decided(action), DUE_MS) == Verdict(None, CENSORED, DUE_MS)


@pytest.mark.parametrize("action", ["review", "decline"])
def test_in_shadow_nothing_was_stopped(action) -> None:
    case = decided(action, acted=False)
    assert rules.mature(case, DUE_MS) == Verdict(False, MATURED, DUE_MS)
    other = decided("decline", acted=False)
    assert rules.hear(other, label("chargeback", True)) == Verdict(True, "chargeback", 20 * DAY_MS)


def test_a_label_is_the_verdict_from_when_it_was_observed() -> None:
    case = decided()
    assert rules.hear(case, label("chargeback", True)) == Verdict(True, "chargeback", 20 * DAY_MS)
    assert rules.mature(case, DUE_MS) is None


def test_a_label_waits_for_its_decision() -> None:
    case = Case()
    assert rules.hear(case, label("chargeback", True)) is None
    assert rules.mature(case, DUE_MS) is None, "nothing is known of what was decided"
    told = rules.decide(case, Decision("approve", True, 0))
    assert told == Verdict(True, "chargeback", 20 * DAY_MS)


def test_a_label_that_waited_and_cannot_speak_of_the_decision_is_forgotten() -> None:
    case = Case()
    rules.hear(case, label("chargeback", True))
    assert rules.decide(case, Decision("decline", True, 0)) is None
    assert rules.mature(case, DUE_MS) == Verdict(None, CENSORED, DUE_MS)


def test_a_source_can_take_back_what_it_said() -> None:
    case = decided()
    rules.hear(case, label("chargeback", True))
    reversed_ = rules.hear(case, label("chargeback", False, day=40, revision=2))
    assert reversed_ == Verdict(False, "chargeback", 40 * DAY_MS)


def test_a_correction_may_come_after_it_has_matured() -> None:
    case = decided()
    rules.mature(case, DUE_MS)
    told = rules.hear(case, label("correction", True, day=100))
    assert told == Verdict(True, "correction", 100 * DAY_MS)


def test_what_says_nothing_new_is_not_told_again() -> None:
    case = decided("review")
    rules.hear(case, label("analyst", True, day=1))
    assert rules.hear(case, label("analyst", True, day=1)) is None, "the same again"
    assert rules.hear(case, label("chargeback", True)) is None, "another says the same"
    matured = decided()
    rules.mature(matured, DUE_MS)
    assert rules.hear(matured, label("correction", False, day=100)) is None


def test_an_older_revision_changes_nothing() -> None:
    case = decided()
    rules.hear(case, label("chargeback", False, day=40, revision=2))
    assert rules.hear(case, label("chargeback", True, day=20, revision=1)) is None
    assert case.told == Verdict(False, "chargeback", 40 * DAY_MS)


@pytest.mark.parametrize(
    ("heard", "reason"),
    [
        (label("neighbour", True), "unknown_source"),
        (label("appeal", False), "cannot_speak"),
        (label("chargeback", False), "label_conflict"),
    ],
)
def test_what_does_not_count_is_refused_and_changes_nothing(heard, reason) -> None:
    case = decided()
    rules.hear(case, label("chargeback", True))
    labels, told = dict(case.labels), case.told
    with pytest.raises(Refused) as caught:
        rules.hear(case, heard)
    assert caught.value.reason == reason
    assert (case.labels, case.told) == (labels, told)


@given(seed=st.integers(0, 2**32))
def test_the_last_verdict_does_not_depend_on_the_order_in_which_things_come(seed) -> None:
    rnd = random.Random(seed)
    action = rnd.choice(["approve", "review", "decline"])
    pairs = rnd.sample([(s, r) for s in LABELS.sources for r in (1, 2)], rnd.randint(0, 3))
    labels = [label(s, rnd.random() < 0.5, rnd.randint(1, 59), r) for s, r in pairs]
    ends = set()
    for order in itertools.permutations([Decision(action, True, 0), *labels]):
        case = Case()
        for each in order:
            if isinstance(each, Decision):
                rules.decide(case, each)
                continue
            with contextlib.suppress(Refused):  # by who cannot speak of such a decision
                rules.hear(case, each)
        rules.mature(case, DUE_MS)
        assert case.told is not None
        ends.add(case.told.value)
    assert len(ends) == 1
