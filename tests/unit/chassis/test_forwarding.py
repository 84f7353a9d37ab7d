"""Forwarding: tried until it succeeds or is hopeless, each key's in order, through restarts."""

from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from headrace.chassis import forwarding
from headrace.chassis.forwarding import Forwarder, Patience, Verdict
from headrace.chassis.metrics import Metrics
from headrace.errors import HeadraceError
from support.counting import json_channel
from support.fake_kafka import FakeClients, FakeKafka


class Message:
    """A record of the source."""

    def __init__(self, offset, key, value):
        self._offset, self._key, self._value = offset, key, value

    def error(self):
        return None

    def topic(self):
        return "alerts"

    def partition(self):
        return 0

    def offset(self):
        return self._offset

    def key(self):
        return self._key.encode()

    def value(self):
        return self._value

    def headers(self):
        return [("traceparent", b"of the signal")]

    def timestamp(self):
        return (1, 0)


class Consumer:
    """A group of one, whose commits outlive it."""

    def __init__(self, log, committed):
        self._log = log
        self._group = committed
        self._at = None
        self.is_paused = False
        self.failing = None

    def committed(self, asked, timeout_s):
        if self.failing:
            raise KafkaException(KafkaError(self.failing))
        return [self._group.get("at") or SimpleNamespace(offset=-1001, metadata=None, error=None)]

    def assign(self, partitions):
        self._at = partitions[0].offset if partitions else None

    def unassign(self):
        self._at = None

    def pause(self, at):
        self.is_paused = True

    def resume(self, at):
        self.is_paused = False

    def poll(self, timeout_s):
        if self._at is None or self.is_paused or self._at >= len(self._log):
            return None
        self._at += 1
        return self._log[self._at - 1]

    def commit(self, offsets, asynchronous):
        if self.failing:
            raise KafkaException(KafkaError(self.failing))
        [at] = offsets
        self._group["at"] = SimpleNamespace(offset=at.offset, metadata=at.metadata, error=None)


class World:
    """A source, its group, a receiver, and a clock."""

    def __init__(self, monkeypatch, *records):
        self.log = [Message(offset, key, value) for offset, (key, value) in enumerate(records)]
        self.group = {}
        self.now_s = 0.0
        self.seen = []
        self.buried = []
        self.verdicts = {}
        monkeypatch.setattr(forwarding, "monotonic", lambda: self.now_s)
        monkeypatch.setattr(forwarding, "ends", lambda *_: {0: 0})
        monkeypatch.setattr(
            forwarding, "since", lambda *_: [TopicPartition("alerts", 0, 0 if self.log else -1)]
        )
        monkeypatch.setattr(
            forwarding, "produce_one", lambda _c, topic, key, value, _t: self.buried.append(key)
        )
        self.start()

    def start(self):
        self.forwarder = Forwarder(
            None,
            "alerting",
            "alerting.delivery",
            json_channel("alerts"),
            json_channel("alerts.dlq")._replace(encode=lambda _: b""),
            self._deliver,
            Patience(3, 1.0),
            6_000,
            Metrics("alerting"),
        )
        self.consumer = Consumer(self.log, self.group)
        self.forwarder._on_assign(self.consumer, [TopicPartition("alerts", 0)])

    def step(self, steps=10):
        for _ in range(steps):
            self.forwarder._step(self.consumer)

    def _deliver(self, record, headers, age_s):
        assert headers == {"traceparent": b"of the signal"}
        self.seen.append(record["id"])
        verdicts = self.verdicts.get(record["id"], [])
        return verdicts.pop(0) if verdicts else Verdict("delivered")


RETRY = Verdict("retry", "the receiver answers 500")


def record(key, number):
    return key, b'{"id": %d}' % number


@pytest.fixture
def world(monkeypatch):
    return World(monkeypatch, record("a", 1), record("a", 2), record("b", 3))


def test_what_is_delivered_is_delivered_once_and_in_order(world):
    world.step()
    assert world.seen == [1, 2, 3]
    assert world.group["at"].offset == 3
    world.start()
    world.step()
    assert world.seen == [1, 2, 3]


def test_what_fails_is_tried_again_when_it_is_due_and_holds_up_its_own_key_only(world):
    world.verdicts[1] = [RETRY]
    world.step()
    assert world.seen == [1, 3]
    world.now_s = 1.0
    world.step()
    assert world.seen == [1, 3, 1, 2]
    assert world.group["at"].offset == 3


def test_after_a_restart_what_is_done_stays_done_and_tries_are_counted_on(world):
    world.verdicts[1] = [RETRY, RETRY, RETRY]
    world.step()
    assert world.group["at"].offset == 0
    for _ in range(2):
        world.start()
        world.step()
    assert world.seen == [1, 3, 1, 1, 2]
    assert world.buried == ["a"], "three tries in vain, over all restarts"


def test_what_is_hopeless_becomes_a_dead_letter_at_once(world):
    world.verdicts[3] = [Verdict("hopeless", "the receiver answers 400")]
    world.step()
    assert world.seen == [1, 2, 3]
    assert world.buried == ["b"]


def test_what_nobody_can_read_becomes_a_dead_letter(monkeypatch):
    world = World(monkeypatch, ("a", b"\xff"), record("a", 2))
    world.step()
    assert world.seen == [2]
    assert world.buried == ["a"]


def test_a_broker_that_is_away_is_waited_for(world):
    world.consumer.failing = KafkaError._TRANSPORT
    world.step()
    assert world.seen == []
    world.consumer.failing = None
    world.step()
    assert world.seen == [1, 2, 3]


def test_a_commit_that_another_member_has_overtaken_is_left_to_it(world):
    world.step(1)
    world.consumer.failing = KafkaError.ILLEGAL_GENERATION
    world.step()
    world.forwarder._on_revoke(world.consumer, [])
    world.step()
    assert world.seen == [1, 2, 3]


def test_who_begins_where_nothing_is_yet_misses_nothing_that_comes(monkeypatch):
    world = World(monkeypatch)
    world.step(1)
    world.log.append(Message(0, *record("a", 1)))
    world.step()
    assert world.seen == [1]


def test_when_forwarding_has_failed_the_service_ends():
    forwarder = Forwarder(
        None, "", "", json_channel("a"), None, None, Patience(1, 1.0), 6_000, None
    )
    forwarder.refresh()
    forwarder._failure = ValueError("why")
    with pytest.raises(HeadraceError, match="a is not forwarded any more: why"):
        forwarder.refresh()


def test_before_anything_is_tried_the_counter_stands_at_0_for_all_to_see():
    kafka, metrics = FakeKafka(), Metrics("alerting")
    kafka.create_topic("alerts")
    clients, source = FakeClients(kafka, "alerting"), json_channel("alerts")
    forwarder = Forwarder(
        clients, "alerting", "delivery", source, source, None, Patience(1, 1.0), 6_000, metrics
    )
    forwarder.open(1.0)
    forwarder.close()
    assert b'headrace_deliveries_total{outcome="delivered"} 0.0' in metrics.exposition()
    forwarder.refresh()
