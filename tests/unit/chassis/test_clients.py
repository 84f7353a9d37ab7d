"""The settings that exactly-once rests on are those of every client."""

import pytest

from headrace.chassis import clients as module
from headrace.chassis.clients import Clients
from headrace.chassis.settings import KafkaSettings


@pytest.fixture
def made(monkeypatch):
    """The configurations with which clients are made."""
    made = []
    for name in ("Consumer", "Producer", "AdminClient"):
        monkeypatch.setattr(module, name, made.append)
    return made


@pytest.fixture
def clients(made):
    return Clients(KafkaSettings(bootstrap_servers="broker:9092"), "tests")


def test_a_group_member_commits_nothing_by_itself_and_skips_nothing(clients, made):
    clients.consumer("use-case.scoring", **{"session.timeout.ms": 6_000})
    (config,) = made
    expected = {
        "group.id": "use-case.scoring",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "error",
        "isolation.level": "read_committed",
        "check.crcs": True,
        "partition.assignment.strategy": "range",
        "session.timeout.ms": 6_000,
        "bootstrap.servers": "broker:9092",
        "client.id": "tests",
    }
    assert expected.items() <= config.items()


def test_a_reader_sees_committed_records_only_and_where_a_partition_ends(clients, made):
    clients.reader()
    (config,) = made
    expected = {
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
        "enable.auto.commit": False,
        "check.crcs": True,
    }
    assert expected.items() <= config.items()


def test_nothing_comes_after_a_gap_of_a_gapless_producer_not_even_one_of_a_time_out(clients, made):
    clients.gapless_producer()
    (config,) = made
    expected = {
        "enable.gapless.guarantee": True,
        "enable.idempotence": True,
        "message.timeout.ms": 0,
    }
    assert expected.items() <= config.items()


def test_what_is_fetched_and_not_handled_is_bounded(clients, made):
    clients.consumer("group")
    clients.producer()
    consumer, producer = made
    assert consumer["queued.max.messages.kbytes"] <= 65_536
    assert producer["queue.buffering.max.kbytes"] <= 262_144


@pytest.mark.parametrize("transactional", [False, True])
def test_a_producer_waits_for_all_replicas_and_puts_keys_where_other_clients_do(
    clients, made, transactional
):
    if transactional:
        clients.transactional_producer("scoring.a", 10_000)
    else:
        clients.producer()
    (config,) = made
    expected = {"acks": "all", "enable.idempotence": True, "partitioner": "murmur2_random"}
    assert expected.items() <= config.items()
    assert ("transactional.id" in config) == transactional


def test_a_transactional_producer_gathers_for_a_moment_and_never_waits_long_for_markers(
    clients, made
):
    clients.transactional_producer("scoring.a", 10_000)
    (config,) = made
    expected = {
        "transactional.id": "scoring.a",
        "transaction.timeout.ms": 10_000,
        "retry.backoff.ms": 1,
        "linger.ms": 5,
    }
    assert expected.items() <= config.items()
