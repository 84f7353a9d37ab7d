"""Records outside the stream: delivered, or an error that says why not."""

import pytest

from headrace.chassis.clients import Clients
from headrace.chassis.produce import produce_one, produce_together
from headrace.chassis.settings import KafkaSettings
from headrace.chassis.transactor import ToProduce
from headrace.errors import HeadraceError
from support.fake_kafka import FakeClients, FakeKafka


@pytest.fixture
def kafka():
    kafka = FakeKafka()
    kafka.create_topic("pauses", max_message_bytes=100)
    kafka.create_topic("models")
    return kafka


def test_a_record_that_was_delivered_stands_on_the_topic(kafka):
    produce_one(FakeClients(kafka), "pauses", "scoring", b"released")
    (message,) = kafka.records("pauses")
    assert (message.key(), message.value()) == (b"scoring", b"released")


def test_a_record_that_the_broker_refuses_is_an_error(kafka):
    with pytest.raises(HeadraceError, match="pauses does not take the record"):
        produce_one(FakeClients(kafka), "pauses", "scoring", b"x" * 200)


def test_a_broker_that_does_not_answer_is_an_error_and_not_taken_for_success():
    nowhere = Clients(KafkaSettings(bootstrap_servers="127.0.0.1:1"))
    with pytest.raises(HeadraceError, match=r"no broker has taken the record within 0\.2 s"):
        produce_one(nowhere, "pauses", "scoring", b"released", timeout_s=0.2)


def together(last):
    return [
        ToProduce("models", ["a", "b"], [b"first", b"second"]),
        ToProduce("pauses", ["scoring"], [last]),
    ]


def test_records_that_were_taken_as_one_stand_on_their_topics(kafka):
    produce_together(FakeClients(kafka), together(b"released"))
    assert [each.value() for each in kafka.records("models")] == [b"first", b"second"]
    assert [each.value() for each in kafka.records("pauses")] == [b"released"]


def test_where_one_of_them_is_refused_none_is_seen_and_the_next_go_through(kafka):
    with pytest.raises(HeadraceError, match="not taken as one"):
        produce_together(FakeClients(kafka), together(b"x" * 200))
    assert [*kafka.records("models"), *kafka.records("pauses")] == []
    produce_together(FakeClients(kafka), together(b"released"))
    assert len([*kafka.records("models")]) == 2
