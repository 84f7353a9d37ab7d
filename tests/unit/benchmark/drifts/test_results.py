"""What all runs say together, and when that is not good enough."""

import xml.etree.ElementTree as ET

import pytest

from headrace.benchmark.drifts.picture import picture
from headrace.benchmark.drifts.results import Results
from headrace.benchmark.drifts.streams import Followed
from headrace.benchmark.drifts.watched import OF_OUTCOMES, TWICE, Seen, Signal, Watched


def world(drift, *signals: Signal, events: int = 500_000) -> Watched:
    return Watched(1, drift, events=events, quiet_events=events, signals=list(signals))


def raised(subject: str, after: Seen | None = None) -> Signal:
    return Signal(subject, subject.partition("/")[0], 180.0, 1e6, after)


def stream(pace: str, outcomes: int | None) -> Followed:
    positives = None if outcomes is None else outcomes // 2
    return Followed(
        "SEA", pace, 1, 10_000, 0.1, 0.3, [], outcomes, positives, "concept/positives", []
    )


@pytest.fixture
def good() -> Results:
    return Results(
        [
            world(None, raised("input/amount_minor")),
            world(None, events=9_500_000),
            world(
                TWICE,
                raised("score/served", Seen(80, 8, 3)),
                raised("concept/negatives", Seen(900, 90, 40)),
            ),
            world("data", raised("input/amount_minor", Seen(1_000, 100, 5))),
        ],
        [stream("abrupt", 300), stream("gradual", 2_500)],
    )


def test_signals_count_where_nothing_drifts(good) -> None:
    found = good.false_alarms()
    assert (found.signals, found.events) == (1, 10_000_000)
    assert found.rate == pytest.approx(0.01)
    assert found.bound == pytest.approx(0.04744, rel=1e-3)
    assert good.false_alarms_by() == {"input/amount_minor": 1}


def test_a_concept_s_drift_is_told_by_outcomes(good) -> None:
    delays = good.world_delays()
    assert delays[TWICE, "outcomes"]["positives"].median == 40
    assert delays[TWICE, "anything"]["positives"].median == 3
    assert delays["data", "anything"]["events"].median == 1_000
    assert ("data", "outcomes") not in delays


def test_all_bars_are_met_where_drift_is_noticed_in_time_and_seldom_without(good) -> None:
    assert [bar.is_met for bar in good.bars()] == [True] * 4


def test_what_is_not_noticed_meets_no_bar(good) -> None:
    missed = Results(
        [*good.worlds[:2], world(TWICE, raised("score/served", Seen(80, 8, 3)))],
        [stream("abrupt", None), stream("gradual", 3_001)],
    )
    assert [bar.is_met for bar in missed.bars()] == [True, False, False, False]


def test_too_few_events_are_no_proof_that_false_alarms_are_rare(good) -> None:
    few = Results([world(None, events=60_000)], good.streams)
    assert not next(iter(few.bars())).is_met


def test_an_alarm_before_the_drift_does_not_notice_it() -> None:
    late = Seen(500, 50, 20)
    early = world("concept", raised("concept/negatives"), raised("concept/negatives", late))
    assert early.first(OF_OUTCOMES) == late


def test_the_picture_is_a_document_with_all_lines(good) -> None:
    root = ET.fromstring(picture(good))  # noqa: S314 -- our own
    texts = [each.text for each in root.iter() if each.text]
    assert "Noticed within so many outcomes: abrupt" in texts
    assert "SEA" in texts
