"""How long each decision took, while events are still published and afterwards."""

import pytest

from headrace.demo.outcomes import Outcomes
from headrace.demo.seen import OpenDueTimes, Seen


def at(partition, offset):
    return {
        "source_partition": partition,
        "source_offset": offset,
        "action": "approve",
        "amount_minor": None,
        "currency": None,
        "late": False,
        "deadline_missed": False,
        "acted": True,
        "fallback": "",
        "model": "expert-scorecard",
        "model_version": "1",
        "trace_id": "",
        "reasons": [],
    }


@pytest.fixture
def due_times():
    return OpenDueTimes()


@pytest.fixture
def seen(due_times):
    return Seen(Outcomes(), due_times)


def test_latency_counts_from_when_the_event_was_due(seen, due_times):
    due_times.record(0, 7, 10.0)
    due_times.record(1, 7, 10.5)
    seen.decisions([at(0, 7), at(1, 7)], 10.75)
    assert sorted(seen.latencies_ms()) == [250.0, 750.0]
    assert seen.arrived().latencies_ms == pytest.approx((500.0, 745.0))


def test_a_decision_may_arrive_before_its_event_is_acknowledged(seen, due_times):
    seen.decisions([at(0, 1)], 5.0)
    assert seen.arrived().latencies_ms is None
    due_times.record(0, 1, 4.5)
    assert list(seen.latencies_ms()) == [500.0]


def test_the_latest_latencies_are_of_the_last_seconds(seen, due_times):
    due_times.record(0, 0, 0.0)
    due_times.record(0, 1, 99.9)
    seen.decisions([at(0, 0)], 10.0)
    seen.decisions([at(0, 1)], 100.0)
    assert seen.arrived().latencies_ms == pytest.approx((100.0, 100.0))
    assert len(seen.latencies_ms()) == 2


def test_decisions_and_dead_letters_are_counted_as_they_come(seen):
    seen.decisions([at(0, 0), at(3, 0)], 1.0)
    seen.letters([{"reason": "null_value"}, {"reason": "null_value"}], 1.0)
    arrived = seen.arrived()
    assert arrived.decided == seen.count() == 2
    assert arrived.dead_letters == {"null_value": 2}
