"""The publisher keeps its schedule whatever the system does, and checks every delivery."""

from types import SimpleNamespace

import numpy as np
import pytest

from headrace.simulator.due import DueTimes
from headrace.simulator.kinds import Publication
from headrace.simulator.publisher import Publisher
from support.traces import UNTRACED, Remembered, hexadecimal

TOPIC = "test.events"


class Clock:
    """Time that passes only when somebody waits; also the stop event that is waited on."""

    def __init__(self):
        self.now_s = 100.0
        self.stopped = False
        self.stops_at_s = float("inf")

    def __call__(self):
        return self.now_s

    def wait(self, timeout_s):
        self.now_s += timeout_s
        return self.is_set()

    def is_set(self):
        return self.stopped or self.now_s >= self.stops_at_s


class FakeProducer:
    """Delivers when it is polled; takes ``seconds_each`` for a record, holds ``queue`` of them."""

    def __init__(self, clock, *, queue=1_000, seconds_each=0.0, stalls=(), failing=()):
        self.clock = clock
        self.queue = queue
        self.seconds_each = seconds_each
        self.stalls = dict(stalls)
        self.failing = failing
        self.waiting = []
        self.sent = []
        self.headers = []
        self.accepts = True

    def produce(self, topic, value, key, on_delivery, headers):
        if len(self.waiting) >= self.queue:
            raise BufferError
        self.clock.now_s += self.seconds_each + self.stalls.get(len(self.sent), 0.0)
        self.sent.append((topic, key, value, self.clock.now_s))
        self.headers.append(headers)
        self.waiting.append((len(self.sent) - 1, on_delivery))

    def poll(self, timeout):
        self.clock.now_s += timeout
        waiting, self.waiting = (self.waiting, []) if self.accepts else ([], self.waiting)
        for number, on_delivery in waiting:
            error = "timed out" if number in self.failing else None
            on_delivery(error, SimpleNamespace(partition=lambda: 0, offset=lambda n=number: n))
        return len(waiting)

    def flush(self, timeout):
        self.poll(timeout)
        return len(self.waiting)


@pytest.fixture
def clock():
    return Clock()


def records(number):
    return [
        Publication(f"card-{n}", b"value", "late" if n % 2 else "ordinary") for n in range(number)
    ]


def times(producer):
    return [at_s - 100 for *_, at_s in producer.sent]


def test_each_record_goes_out_when_it_is_due(clock):
    producer = FakeProducer(clock)
    outcome = Publisher(producer, TOPIC, UNTRACED, rate=10, clock=clock).run(records(5), clock)
    assert times(producer) == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])
    assert outcome.max_lateness_s == pytest.approx(0.0)


def test_what_became_overdue_goes_out_in_one_burst_and_the_schedule_stays(clock):
    producer = FakeProducer(clock, stalls={1: 0.35})
    outcome = Publisher(producer, TOPIC, UNTRACED, rate=10, clock=clock).run(records(8), clock)
    assert times(producer) == pytest.approx([0.0, 0.45, 0.45, 0.45, 0.45, 0.5, 0.6, 0.7])
    assert outcome.max_lateness_s == pytest.approx(0.35)


def test_a_system_that_is_too_slow_shows_as_lateness_not_as_a_slower_schedule(clock):
    producer = FakeProducer(clock, seconds_each=0.2)
    outcome = Publisher(producer, TOPIC, UNTRACED, rate=10, clock=clock).run(records(11), clock)
    assert outcome.max_lateness_s == pytest.approx(11 * 0.2 - 10 * 0.1)
    assert outcome.rate < 5.1


def test_at_a_high_rate_records_that_are_due_together_share_one_wake_up(clock):
    producer = FakeProducer(clock)
    outcome = Publisher(producer, TOPIC, UNTRACED, rate=10_000, clock=clock).run(
        records(100), clock
    )
    assert len(set(times(producer))) <= 11
    assert outcome.max_lateness_s <= 0.001


def test_without_a_rate_there_is_no_schedule(clock):
    outcome = Publisher(FakeProducer(clock), TOPIC, UNTRACED, clock=clock).run(records(3), clock)
    assert outcome.max_lateness_s is None
    assert outcome.published == 3


def test_a_full_queue_is_waited_for_and_nothing_is_lost_or_reordered(clock):
    producer = FakeProducer(clock, queue=3)
    outcome = Publisher(producer, TOPIC, UNTRACED, clock=clock).run(records(50), clock)
    assert [key for _, key, *_ in producer.sent] == [f"card-{n}" for n in range(50)]
    assert outcome.published == 50


def test_acknowledged_records_are_counted_by_kind_and_the_others_as_failed(clock):
    producer = FakeProducer(clock, failing={3, 4})
    outcome = Publisher(producer, TOPIC, UNTRACED, clock=clock).run(records(10), clock)
    assert outcome.by_kind == {"ordinary": 4, "late": 4}
    assert (outcome.published, outcome.failed, outcome.first_failure) == (8, 2, "timed out")


def test_due_times_are_recorded_by_offset_even_for_what_went_out_late(clock):
    due = DueTimes()
    producer = FakeProducer(clock, stalls={1: 0.35})
    Publisher(producer, TOPIC, UNTRACED, rate=10, due_times=due, clock=clock).run(records(4), clock)
    assert due.due_s(0, np.arange(4)).tolist() == pytest.approx([100.0, 100.1, 100.2, 100.3])


def test_a_stop_ends_it_before_the_next_record_and_awaits_what_was_sent(clock):
    clock.stops_at_s = 100.35
    producer = FakeProducer(clock)
    outcome = Publisher(producer, TOPIC, UNTRACED, rate=10, clock=clock).run(records(100), clock)
    assert outcome.stopped
    assert len(producer.sent) == outcome.published == 4
    assert outcome.failed == 0


def test_a_stop_ends_the_wait_for_a_full_queue_and_counts_what_stays_unknown(clock):
    clock.stops_at_s = 101.0
    producer = FakeProducer(clock, queue=5)
    producer.accepts = False
    outcome = Publisher(producer, TOPIC, UNTRACED, clock=clock).run(records(100), clock)
    assert (outcome.published, outcome.failed) == (0, 5)
    assert outcome.first_failure == "not acknowledged"


def test_an_error_of_the_source_passes_after_what_was_sent_is_acknowledged(clock):
    def source():
        yield from records(3)
        raise ValueError("row 4")

    publisher = Publisher(FakeProducer(clock), TOPIC, UNTRACED, clock=clock)
    with pytest.raises(ValueError, match="row 4"):
        publisher.run(source(), clock)
    assert publisher.outcome.published == 3


def test_each_record_begins_a_trace_that_its_headers_carry_on(clock):
    producer = FakeProducer(clock)
    Publisher(producer, TOPIC, UNTRACED, clock=clock).run(records(3), clock)
    parents = [value for ((_, value),) in producer.headers]
    assert len(set(parents)) == 3
    assert all(value.endswith(b"-00") for value in parents)


def test_a_sampled_record_has_a_span_until_it_is_acknowledged_or_refused(clock):
    remembered = Remembered()
    producer = FakeProducer(clock, failing=[1])
    Publisher(producer, TOPIC, remembered.telemetry, clock=clock).run(records(2), clock)
    spans = remembered.named(f"send {TOPIC}")
    written = ["-".join(hexadecimal(span)[:2]) for span in spans]
    assert written == [value.decode()[3:-3] for ((_, value),) in producer.headers]
    assert [span.status.description for span in spans] == [None, "timed out"]
    assert all(span.start_time <= span.end_time for span in spans)
