"""The stream on librdkafka's own mock cluster: the real client, no Java.

The mock cluster does not show offsets that were sent in a transaction, so recovery is tested on
the fake and on the real broker (docs/decisions/0005).
"""

import time

import orjson
import pytest
from confluent_kafka import OFFSET_BEGINNING, Producer, TopicPartition

from headrace.chassis import clients as chassis_clients
from headrace.chassis.clients import Clients
from headrace.chassis.metrics import Metrics
from headrace.chassis.settings import KafkaSettings, StreamSettings
from headrace.chassis.stream import Stream
from support.counting import CountFormat, CountingHandler, counting_topology
from support.traces import UNTRACED

RECORDS = 2_000
WAIT_S = 30


@pytest.fixture(scope="module")
def clients():
    cluster = Producer(
        {
            "test.mock.num.brokers": 1,
            "bootstrap.servers": "mock",
            "log_level": 0,
            # The cluster makes topics when a producer names them.
            "allow.auto.create.topics": True,
        }
    )
    brokers = cluster.list_topics(timeout=5).brokers.values()
    servers = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
    yield Clients(KafkaSettings(bootstrap_servers=servers))
    del cluster


@pytest.fixture(autouse=True)
def unchecked_sums(monkeypatch):
    """The mock cluster's transaction markers have no checksum."""
    monkeypatch.setitem(chassis_clients._CONSUMER, "check.crcs", False)


def test_every_record_is_counted_once_and_the_broken_ones_are_dead_letters(clients):
    topology = counting_topology("mock")
    producer = clients.producer()
    for topic in (topology.changelog.topic, topology.pauses.topic, "mock.outputs"):
        producer.list_topics(topic, timeout=5)
    for number in range(RECORDS):
        value = b"{broken" if number % 100 == 1 else b"{}"
        producer.produce(topology.inputs[0].channel.topic, value, f"key-{number % 7}")
    producer.flush(WAIT_S)
    stream = Stream(
        topology,
        CountFormat(),
        [CountingHandler("mock.outputs")],
        clients,
        StreamSettings(instance="one"),
        Metrics("counting"),
        UNTRACED,
        lambda: 0,
    )
    stream.open()
    until = time.monotonic() + WAIT_S
    while b"headrace_records_total 2000.0" not in stream.metrics.exposition():
        assert time.monotonic() < until
        stream.step()
    stream.close()

    outputs = [orjson.loads(value) for value in read(clients, "mock.outputs", RECORDS - 20)]
    assert len({(each["partition"], each["offset"]) for each in outputs}) == RECORDS - 20
    assert sum(count.n for _, _, count in stream.state) == RECORDS - 20
    dead = [
        orjson.loads(value) for value in read(clients, topology.inputs[0].dead_letters.topic, 20)
    ]
    assert {letter["reason"] for letter in dead} == {"undecodable"}


def read(clients, topic, expected):
    reader = clients.reader()
    reader.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in range(4)])
    values = []
    until = time.monotonic() + WAIT_S
    while len(values) < expected:
        assert time.monotonic() < until, f"{topic}: {len(values)} of {expected}"
        values += [m.value() for m in reader.consume(1_000, 0.1) if m.error() is None]
    reader.close()
    return values
