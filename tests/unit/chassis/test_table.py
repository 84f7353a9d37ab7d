"""A compacted topic as a table: read to its end before anything is handled, followed after."""

import logging

import pytest

from headrace.chassis.table import DatedTail, Table, Tail
from headrace.errors import HeadraceError
from support.counting import json_channel
from support.fake_kafka import FakeClients, FakeKafka

TOPIC = "things"
CHANNEL = json_channel(TOPIC)


@pytest.fixture
def kafka() -> FakeKafka:
    kafka = FakeKafka()
    kafka.create_topic(TOPIC)
    return kafka


def write(kafka: FakeKafka, key: str, record: dict | None) -> None:
    producer = FakeClients(kafka, "writer").producer()
    producer.produce(TOPIC, None if record is None else CHANNEL.encode(record), key)
    producer.flush(1)


def opened(kafka: FakeKafka) -> Table:
    table = Table(FakeClients(kafka, "reader"), TOPIC, CHANNEL.decode)
    table.open(5.0)
    return table


def test_an_open_table_holds_the_latest_record_of_each_key(kafka) -> None:
    for n in range(2_500):
        write(kafka, f"key-{n % 3}", {"n": n})
    assert dict(opened(kafka).records) == {
        "key-0": {"n": 2_499},
        "key-1": {"n": 2_497},
        "key-2": {"n": 2_498},
    }


def test_a_table_stands_still_until_it_is_refreshed(kafka) -> None:
    table = opened(kafka)
    write(kafka, "key", {"n": 1})
    assert not table.records
    table.refresh()
    assert table.records["key"] == {"n": 1}


def test_a_tombstone_takes_a_key_away(kafka) -> None:
    write(kafka, "key", {"n": 1})
    table = opened(kafka)
    write(kafka, "key", None)
    table.refresh()
    assert "key" not in table.records


def test_what_nobody_can_read_changes_nothing_and_is_logged(kafka, caplog) -> None:
    write(kafka, "key", {"n": 1})
    producer = FakeClients(kafka, "writer").producer()
    producer.produce(TOPIC, b"garbage", "key")
    producer.produce(TOPIC, CHANNEL.encode({"n": 2}), b"\xff")
    producer.flush(1)
    with caplog.at_level(logging.WARNING):
        table = opened(kafka)
    assert dict(table.records) == {"key": {"n": 1}}
    assert len(caplog.records) == 2


def test_what_was_committed_holds_until_the_topic_says_otherwise(kafka) -> None:
    table = opened(kafka)
    table.expect("key", {"n": 1})
    table.refresh()
    assert table.records["key"] == {"n": 1}
    write(kafka, "key", {"n": 2})
    table.refresh()
    assert table.records["key"] == {"n": 2}


def test_nobody_changes_the_records_from_outside(kafka) -> None:
    with pytest.raises(TypeError):
        opened(kafka).records["key"] = {}  # type: ignore[index]


def test_a_topic_that_cannot_be_read_to_its_end_is_an_error(kafka, monkeypatch) -> None:
    monkeypatch.setattr("headrace.chassis.table.monotonic", lambda: kafka.now_ms / 1_000)
    producer = FakeClients(kafka, "writer").transactional_producer("stuck", 60_000)
    producer.init_transactions()
    producer.begin_transaction()
    producer.produce(TOPIC, CHANNEL.encode({"n": 1}), "key")
    producer.flush(1)
    with pytest.raises(HeadraceError, match="things could not be read to its end"):
        opened(kafka)


def test_a_tail_hands_over_each_record_in_order_and_what_is_no_key_changes_nothing(kafka) -> None:
    taken = []

    def take(key, record) -> None:
        if key == "strange":
            raise ValueError(key)
        taken.append((key, record))

    for key, record in (("a", {"n": 1}), ("a", {"n": 2}), ("strange", {"n": 3}), ("a", None)):
        write(kafka, key, record)
    tail = Tail(FakeClients(kafka, "reader"), TOPIC, CHANNEL.decode, take)
    tail.open(5.0)
    assert taken == [("a", {"n": 1}), ("a", {"n": 2}), ("a", None)]
    write(kafka, "b", {"n": 4})
    tail.refresh()
    assert taken[3:] == [("b", {"n": 4})]


def test_a_dated_tail_says_when_each_record_was_written(kafka) -> None:
    taken: list[tuple] = []
    tail = DatedTail(
        FakeClients(kafka, "reader"), TOPIC, CHANNEL.decode, lambda *each: taken.append(each)
    )
    write(kafka, "key", {"n": 1})
    tail.open(5.0)
    write(kafka, "key", None)
    tail.refresh()
    written = [each.timestamp()[1] for each in kafka.records(TOPIC)]
    assert taken == [("key", {"n": 1}, written[0]), ("key", None, written[1])]
