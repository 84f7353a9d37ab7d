"""Signs of life: sent when due, with what was counted, and never in the way."""

import orjson
import pytest
from confluent_kafka import KafkaException

from headrace.chassis import heart
from headrace.chassis.heart import Heart
from support.counting import json_channel


class Producer:
    def __init__(self, failing=False):
        self.sent = []
        self.failing = failing

    def produce(self, topic, value, key, on_delivery):
        if self.failing:
            raise KafkaException("fatal")
        self.sent.append((topic, key, orjson.loads(value)))

    def flush(self, timeout_s):
        return 0


class Clients:
    def __init__(self, failing=False):
        self.made = Producer(failing)

    def producer(self, **config):
        return self.made


@pytest.fixture
def clock(monkeypatch):
    clock = {"now": 100.0}
    monkeypatch.setattr(heart, "monotonic", lambda: clock["now"])
    return clock


def beating(clients):
    channel = json_channel("demand.heartbeats")
    return Heart(clients, channel, "scoring", "a", 10.0, lambda: 5_000)


def test_a_sign_of_life_is_sent_when_it_is_due_and_says_what_was_counted(clock):
    clients = Clients()
    beats = beating(clients)
    beats.beat()
    beats.count(7, 2)
    beats.beat()
    clock["now"] += 10
    beats.beat()
    assert [key for _, key, _ in clients.made.sent] == ["scoring/a"] * 2
    _, _, last = clients.made.sent[-1]
    assert (last["records"], last["dead_letters"], last["state"]) == (7, 2, "running")
    assert last["started_at_ms"] == 5_000


def test_who_leaves_says_so_and_nothing_more(clock):
    clients = Clients()
    beats = beating(clients)
    beats.leave()
    clock["now"] += 1_000
    beats.beat()
    assert [each["state"] for _, _, each in clients.made.sent] == ["left"]


def test_nobody_stops_working_because_no_sign_of_life_can_be_sent(clock, caplog):
    beats = beating(Clients(failing=True))
    beats.beat()
    assert "no sign of life can be sent" in caplog.text
