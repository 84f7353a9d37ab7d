"""One record outside the stream: delivered, or an error that says why not."""

import pytest

from headrace.chassis.clients import Clients
from headrace.chassis.produce import produce_one
from headrace.chassis.settings import KafkaSettings
from headrace.errors import HeadraceError
from support.fake_kafka import FakeClients, FakeKafka


@pytest.fixture
def kafka():
    kafka = FakeKafka()
    kafka.create_topic("pauses", max_message_bytes=100)
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
