"""What is due though nothing comes is written in a transaction that moves no offset on."""

from collections import Counter

import pytest
from confluent_kafka import KafkaError

from headrace.chassis.metrics import Metrics
from headrace.chassis.records import Handled, Outgoing
from headrace.chassis.settings import StreamSettings
from headrace.chassis.stream import Stream
from support.counting import CountFormat, CountingHandler
from support.fake_kafka import FakeClients, lose_answer, meanwhile, refuse
from support.fake_kafka.errors import fenced, requires_abort
from support.stream_world import OUTPUTS, TOPOLOGY, World
from support.traces import UNTRACED

HELD = "world.held"
GOOD = (b"k", b"{}")


class Holding:
    """Holds how many records there were, until nothing comes; as a companion, finds it again."""

    def __init__(self):
        self.count = CountingHandler(OUTPUTS)
        self.held = 0

    def __call__(self, received, view, stages):
        self.held += len(received)
        return self.count(received, view, stages)

    def idle(self, view):
        if not self.held:
            return Handled([], [], Counter())
        said, self.held = b"%d" % view.get(0, "k").n, 0
        return Handled([Outgoing(HELD, ["k"], [said])], [], Counter())

    def settle(self, state, committed, go_on):
        self.held = len(state)
        return True


@pytest.fixture
def world():
    world = World(partitions=1, batch_records=10)
    world.kafka.create_topic(HELD)
    with world.alone():
        yield world


@pytest.fixture
def start(world):
    streams = []

    def started():
        holding = Holding()
        clients = FakeClients(world.kafka, f"process-{len(streams)}")
        stream = Stream(
            TOPOLOGY,
            CountFormat(),
            [holding],
            clients,
            StreamSettings(instance=f"i{len(streams)}"),
            Metrics("counting"),
            UNTRACED,
            lambda: world.kafka.now_ms,
            companion=holding,
            idle=holding.idle,
        )
        stream.clients = clients
        streams.append(stream)
        stream.open()
        return stream

    yield started
    for stream in streams:
        stream.close()


def step(stream, steps=10):
    for _ in range(steps):
        stream.step()


def held(world):
    return [message.value() for message in world.kafka.records(HELD)]


def test_what_is_held_is_written_once_nothing_comes_and_the_offsets_stay(world, start):
    world.publish([GOOD] * 3)
    stream = start()
    step(stream)
    assert held(world) == [b"3"]
    assert world.committed() == {0: 3}
    step(stream)
    assert held(world) == [b"3"]
    world.publish([GOOD])
    step(stream)
    assert held(world) == [b"3", b"4"]
    world.check_what_is_committed()


def test_before_anything_was_ever_read_there_is_nothing_to_write(world, start):
    stream = start()
    stream._processor._handlers[0].held = 1
    step(stream)
    assert held(world) == []


def test_where_its_transaction_fails_it_is_written_after_all(world, start):
    world.publish([GOOD] * 3)
    stream = start()
    aborted = refuse(requires_abort(KafkaError.INVALID_TXN_STATE, "planned"))
    world.kafka.faults.plan("commit_transaction", aborted, skip=1)
    step(stream, 20)
    assert held(world) == [b"3"]
    assert not world.kafka.faults.pending()


def test_where_the_answer_is_lost_its_own_token_tells_that_it_was_written(world, start):
    world.publish([GOOD] * 3)
    stream = start()
    lost = lose_answer(fenced("planned"))
    world.kafka.faults.plan("commit_transaction", lost, skip=1)
    step(stream, 20)
    assert set(held(world)) == {b"3"}
    assert stream._assignment.recovered == 1
    assert world.committed() == {0: 3}


def test_who_has_lost_the_partition_writes_nothing_over_what_others_have_written(world, start):
    world.publish([GOOD] * 3)
    first = start()
    step(first)

    def another_takes_over():
        world.publish([GOOD])
        first.clients.expire(unaware_polls=5)
        step(start())

    first._processor._handlers[0].held = 1
    taken = meanwhile(another_takes_over)
    world.kafka.faults.plan("send_offsets_to_transaction", taken, process="process-0")
    step(first)
    assert not world.kafka.faults.pending()
    assert held(world) == [b"3", b"4"]
