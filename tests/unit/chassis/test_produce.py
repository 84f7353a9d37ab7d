"""Records outside the stream: delivered, or an error that says why not."""

import pytest

from headrace.chassis.clients import Clients
from headrace.chassis.produce import Fenced, produce_fenced, produce_one, produce_together
from headrace.chassis.settings import KafkaSettings
from headrace.chassis.transactor import ToProduce
from headrace.errors import HeadraceError
from support.fake_kafka import FakeClients, FakeKafka, meanwhile


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


def test_who_takes_the_name_last_writes_and_the_one_before_is_told(kafka):
    def other():
        produce_fenced(FakeClients(kafka, "other"), "the name", lambda: together(b"theirs"))

    kafka.faults.plan("commit_transaction", meanwhile(other), process="one")
    with pytest.raises(Fenced):
        produce_fenced(FakeClients(kafka, "one"), "the name", lambda: together(b"ours"))
    assert [each.value() for each in kafka.records("pauses")] == [b"theirs"]


def test_what_is_to_be_written_is_asked_for_once_nobody_else_can_write(kafka):
    def other():
        produce_fenced(FakeClients(kafka, "other"), "the name", lambda: together(b"theirs"))

    kafka.faults.plan("init_transactions", meanwhile(other), process="one")
    seen = []

    def nothing():
        seen.extend(each.value() for each in kafka.records("pauses"))
        return []

    produce_fenced(FakeClients(kafka, "one"), "the name", nothing)
    assert seen == [b"theirs"]
    assert len([*kafka.records("pauses")]) == 1


def test_a_broker_that_does_not_answer_is_waited_for_only_as_long_as_wanted():
    nowhere = Clients(KafkaSettings(bootstrap_servers="127.0.0.1:1"))
    asked = []

    def go_on():
        asked.append(True)
        return False

    with pytest.raises(HeadraceError, match="not taken as one"):
        produce_fenced(nowhere, "the name", list, 60.0, go_on)
    assert asked == [True]
