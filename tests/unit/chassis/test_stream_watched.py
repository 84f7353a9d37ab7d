"""A stream that only watches an input, for which another service answers; and has no state."""

from collections import Counter

import orjson
import pytest

from headrace.chassis.metrics import Metrics
from headrace.chassis.records import Handled, Outgoing, Rejected
from headrace.chassis.settings import StreamSettings
from headrace.chassis.state import Stateless
from headrace.chassis.stream import Stream
from headrace.chassis.topology import Input
from support.counting import counting_topology, json_channel
from support.fake_kafka import FakeClients, FakeKafka
from support.stream_world import alone
from support.traces import UNTRACED

INPUTS, OUTPUTS = "watched.inputs", "watched.outputs"
TOPOLOGY = counting_topology("watched")._replace(
    inputs=[Input(json_channel(INPUTS), None)], changelog=None
)


def telling(received, view, stages):
    """Tell of each record whether it could be read; fail on a poisonous one."""
    if any(each.record.get("poison") for each in received):
        raise ValueError("poison")
    told = [
        Outgoing(OUTPUTS, [each.key], [orjson.dumps([each.offset, each.record != {}])])
        for each in received
        if not each.record.get("reject")
    ]
    rejected = [Rejected(each, "orphan", "") for each in received if each.record.get("reject")]
    return Handled(told, rejected, Counter())


class Watching:
    """A broker on which there are only the inputs and the outputs, and a stream."""

    commits_at_once = False

    def __init__(self):
        self.kafka = FakeKafka()
        for topic in (INPUTS, OUTPUTS, TOPOLOGY.pauses.topic):
            self.kafka.create_topic(topic, 1)
        self.stream = self.new_stream()

    def new_stream(self):
        return Stream(
            TOPOLOGY,
            Stateless(),
            [telling],
            FakeClients(self.kafka, "watcher"),
            StreamSettings(instance="a", batch_records=50),
            Metrics("watching"),
            UNTRACED,
            lambda: self.kafka.now_ms,
        )

    def publish(self, *values, key="a"):
        for value in values:
            FakeClients(self.kafka, "publisher").producer().produce(INPUTS, value, key)

    def run(self):
        with alone(self):
            self.stream.open()
            for _ in range(60):
                self.stream.step()
            self.stream.close()

    def told(self):
        return [tuple(orjson.loads(each.value())) for each in self.kafka.records(OUTPUTS)]


@pytest.fixture
def world():
    return Watching()


def test_what_cannot_be_decoded_is_handled_unread_in_its_place(world):
    world.publish(b'{"a": 1}', b"\xff", None, b'{"a": 2}')
    world.run()
    assert world.told() == [(0, True), (1, False), (2, False), (3, True)]


def test_a_key_that_is_no_text_keeps_nobody_from_reading_the_value(world):
    world.publish(b'{"a": 1}', key=b"\xff")
    world.run()
    assert world.told() == [(0, True)]


def test_it_never_pauses_however_much_cannot_be_decoded(world):
    world.publish(*[b"\xff"] * 1_500)
    world.run()
    assert len(world.told()) == 1_500
    assert not list(world.kafka.records(TOPOLOGY.pauses.topic))


def test_what_the_handler_fails_on_is_passed_over_and_counted(world, caplog):
    world.publish(b'{"a": 1}', b'{"poison": true}', b'{"a": 2}', b'{"reject": true}')
    world.run()
    assert world.told() == [(0, True), (2, True)]
    assert b"headrace_watched_passed_over_total 2.0" in world.stream.metrics.exposition()
    assert "passed over watched.inputs:0:1: ValueError: poison" in caplog.text


def test_it_goes_on_where_it_stood_without_a_changelog(world):
    world.publish(b'{"a": 1}')
    world.run()
    world.publish(b'{"a": 2}')
    world.stream = world.new_stream()
    world.run()
    assert world.told() == [(0, True), (1, True)]
