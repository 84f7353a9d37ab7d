"""A sketch goes on in the trace of one of the records that it is of."""

import pytest

from headrace.chassis.records import Received
from headrace.chassis.stages import StageClock
from headrace.chassis.topology import Channel
from headrace.chassis.tracing import Trace
from headrace.sketching.app import Watcher

TOPIC = "shop.decisions"


def trace(number, sampled=False):
    return Trace(f"{number:032x}", "a" * 16, "b" * 16, int(sampled), is_recorded=False)


def sketches_of_two(stretch, records, until_ms):
    """Each of two records, as far as they go."""
    return [{"last_offset": stretch.offsets[n : n + 2][-1]} for n in range(0, len(records), 2)]


def traces(*received):
    """The number of the trace that each sketch goes on in; None where there is none."""
    channel = Channel("shop.sketches", lambda _: b"", lambda _: {})
    watcher = Watcher(TOPIC, sketches_of_two, channel, lambda: 0)
    (outgoing,) = watcher(received, None, StageClock()).outgoing
    answers = [outgoing.answers.get(row) for row in range(len(outgoing.values))]
    return [answer and int(answer.trace.trace_id, 16) for answer in answers]


def received(offset, which=None, partition=0):
    return Received(partition, offset, "key", b"", {}, 0, which)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (trace(1), trace(2), 2),
        (trace(1, sampled=True), trace(2), 1),
        (trace(1), trace(2, sampled=True), 2),
        (trace(1, sampled=True), trace(2, sampled=True), 2),
        (trace(1), None, 1),
        (None, None, None),
    ],
)
def test_it_is_that_of_the_last_record_or_the_last_sampled_one(first, second, expected):
    assert traces(received(4, first), received(7, second)) == [expected]


def test_each_sketch_has_that_of_its_own_records_in_whatever_order_partitions_come():
    told = traces(
        received(0, trace(1), partition=1),
        received(10, trace(2)),
        received(3, trace(3), partition=1),
        received(11),
        received(12),
        received(15, trace(4)),
    )
    assert told == [2, 4, 3]
