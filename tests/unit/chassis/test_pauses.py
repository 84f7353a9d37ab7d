"""Whether a service is paused stands in a topic, and the latest word counts."""

import pytest

from headrace.chassis import table as module
from headrace.chassis.pauses import Pauses, pause, release
from headrace.chassis.table import Table
from headrace.errors import HeadraceError
from support.counting import json_channel
from support.fake_kafka import FakeClients, FakeKafka

CHANNEL = json_channel("use-case.pauses")


@pytest.fixture
def kafka(monkeypatch):
    kafka = FakeKafka()
    kafka.create_topic(CHANNEL.topic)
    monkeypatch.setattr(module, "monotonic", lambda: kafka.now_ms / 1_000)
    return kafka


@pytest.fixture
def said(kafka):
    """Say something in the topic."""
    producer = FakeClients(kafka, "somebody").producer()
    return lambda fact: producer.produce(CHANNEL.topic, CHANNEL.encode(fact), fact["service"])


@pytest.fixture
def opened(kafka):
    """Open the topic as a service that starts."""
    opened = []

    def start(service="scoring"):
        table = Table(FakeClients(kafka, service), CHANNEL.topic, CHANNEL.decode)
        opened.append(table)
        table.open(5)
        return Pauses(table, service), table

    yield start
    for table in opened:
        table.close()


def test_a_service_of_which_nothing_is_said_is_not_paused(opened):
    assert opened()[0].reason is None


def test_a_service_that_starts_finds_that_it_was_paused_and_why(opened, said):
    said(pause("scoring", "too many", 1))
    assert opened()[0].reason == "too many"


def test_the_latest_word_counts(opened, said):
    said(pause("scoring", "too many", 1))
    said(release("scoring", "mended", "ann", 2))
    assert opened()[0].reason is None
    said(pause("scoring", "again", 3))
    assert opened()[0].reason == "again"


def test_what_is_said_of_others_does_not_count(opened, said):
    said(pause("learning", "too many", 1))
    assert opened()[0].reason is None
    assert opened("learning")[0].reason == "too many"


def test_a_running_service_learns_of_a_release(opened, said):
    said(pause("scoring", "too many", 1))
    pauses, table = opened()
    said(release("scoring", "mended", "ann", 2))
    assert pauses.reason == "too many"
    table.refresh()
    assert pauses.reason is None


def test_a_service_that_has_just_paused_itself_need_not_read_so_first(opened, said):
    pauses, table = opened()
    pauses.expect("too many")
    assert pauses.reason == "too many"
    table.refresh()
    assert pauses.reason == "too many"
    said(release("scoring", "mended", "ann", 2))
    table.refresh()
    assert pauses.reason is None


def test_what_nobody_can_read_pauses_and_releases_nobody(kafka, opened, said):
    said(pause("scoring", "too many", 1))
    FakeClients(kafka).producer().produce(CHANNEL.topic, b"\xff", b"scoring")
    assert opened()[0].reason == "too many"


def test_an_aborted_pause_was_never_said(kafka, opened):
    producer = FakeClients(kafka, "aborted").transactional_producer("scoring.a")
    producer.init_transactions()
    producer.begin_transaction()
    producer.produce(CHANNEL.topic, CHANNEL.encode(pause("scoring", "too many", 1)), b"scoring")
    producer.abort_transaction()
    assert opened()[0].reason is None


def test_a_transaction_that_stays_open_is_waited_for_and_then_an_error(kafka, opened):
    producer = FakeClients(kafka, "open").transactional_producer("scoring.a")
    producer.init_transactions()
    producer.begin_transaction()
    producer.produce(CHANNEL.topic, CHANNEL.encode(pause("scoring", "too many", 1)), b"scoring")
    with pytest.raises(HeadraceError, match="could not be read to its end"):
        opened()
