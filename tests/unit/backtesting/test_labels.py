"""When it is known what a recorded event was."""

import pytest

from headrace.backtesting.labels import Known, OneSource, Truth
from headrace.errors import HeadraceError
from headrace.labelling.domain import Decision, Label
from headrace.usecase.charter import Charter
from support.charter_texts import card_fraud

DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS
SECOND_MS = 1_000
NEVER_MS = 10_000 * DAY_MS


def truth_of(charter, *events: tuple[int, bool]) -> Truth[str]:
    truth, source = Truth[str](charter), OneSource(charter.labels)
    for row, (at_ms, is_positive) in enumerate(events):
        labels = source.labels_of(at_ms, is_positive=is_positive)
        truth.add(row, f"event {row}", Decision("approve", False, at_ms), labels)
    return truth


def test_a_positive_is_known_after_its_source_s_delay_and_no_moment_before(small) -> None:
    truth = truth_of(small, (5, True))
    assert truth.known(WEEK_MS + 4) == []
    assert truth.known(WEEK_MS + 5) == [Known(0, "event 0", True, WEEK_MS + 5, "chargeback")]
    assert truth.known(10 * WEEK_MS) == [], "it is told once"


def test_a_negative_is_known_when_horizon_and_lateness_are_over(small) -> None:
    truth = truth_of(small, (5, False))
    assert truth.known(WEEK_MS + SECOND_MS + 4) == []
    due_ms = WEEK_MS + SECOND_MS + 5
    assert truth.known(due_ms) == [Known(0, "event 0", False, due_ms, "matured")]


def test_what_is_known_comes_in_the_order_in_which_it_became_so(small) -> None:
    truth = truth_of(small, (0, False), (1, True), (900, True), (901, False))
    assert [known.row for known in truth.known(10 * WEEK_MS)] == [1, 2, 0, 3]


@pytest.mark.parametrize("is_positive", [True, False])
def test_of_what_was_stopped_nobody_can_tell(small, is_positive) -> None:
    truth = Truth[None](small)
    stopped = Decision("decline", True, 0)
    truth._labelling._sources["chargeback"].__dict__["actions"] = ("approve",)
    truth.add(0, None, stopped, OneSource(small.labels).labels_of(0, is_positive=is_positive))
    (known,) = truth.known(10 * WEEK_MS)
    assert known.value is None


@pytest.fixture
def several(tmp_path) -> Charter:
    """A charter whose labels come from analysts, appeals, chargebacks and corrections."""
    path = tmp_path / "several.toml"
    path.write_text(card_fraud())
    return Charter.load(path)


def told(charter, *labels: Label, decision: Decision | None = None) -> list[tuple]:
    """What an event is held to be, and since which day."""
    truth = Truth[None](charter)
    truth.add(0, None, decision or Decision("approve", True, 0), labels)
    return [(known.value, known.at_ms // DAY_MS) for known in truth.known(NEVER_MS)]


def label(source: str, value: bool, day: int, revision: int = 1) -> Label:
    return Label(source, value, day * DAY_MS, revision)


def test_a_label_counts_from_when_it_was_observed_and_a_later_one_corrects_it(several) -> None:
    assert told(several, label("chargeback", True, 20), label("correction", False, 90)) == [
        (True, 20),
        (False, 90),
    ]


def test_a_correction_may_come_long_after_nobody_had_disputed_it(several) -> None:
    horizon = 61
    assert told(several, label("correction", True, 100)) == [(False, horizon), (True, 100)]


def test_a_change_says_whether_it_was_held_to_be_positive_before(several) -> None:
    truth = Truth[None](several)
    labels = [label("chargeback", True, 20), label("correction", False, 90)]
    truth.add(0, None, Decision("approve", True, 0), labels)
    assert [known.was_positive for known in truth.known(NEVER_MS)] == [False, True]


def test_the_highest_revision_of_a_source_holds_and_what_contradicts_it_does_not_count(
    several,
) -> None:
    again, other = label("chargeback", True, 21), label("chargeback", False, 22)
    assert told(several, label("chargeback", True, 20), again, other) == [(True, 20)]
    second = label("chargeback", False, 30, revision=2)
    assert told(several, label("chargeback", True, 20), second) == [(True, 20), (False, 30)]


def test_labels_of_who_cannot_speak_of_such_a_decision_are_passed_over(several) -> None:
    spoken = [label("analyst", True, 1), label("hearsay", True, 2)]
    assert told(several, *spoken) == [(False, 61)]
    declined = Decision("decline", True, 0)
    assert told(several, *spoken, decision=declined) == [(None, 61)]
    reviewed = Decision("review", True, 0)
    assert told(several, *spoken, decision=reviewed) == [(True, 1)]


def test_what_comes_soonest_is_the_shortest_delay_of_who_does_not_only_correct(several) -> None:
    assert Truth[None](several).soonest_ms == 4 * 3_600_000


def test_a_recording_has_one_source(several) -> None:
    with pytest.raises(HeadraceError, match="3 sources of labels"):
        OneSource(several.labels)
