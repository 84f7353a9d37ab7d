"""Which of a consumer's errors pass, and which end the process."""

import logging

import pytest
from confluent_kafka import KafkaError, KafkaException, Message

from headrace.chassis.messages import holds_record
from headrace.errors import HeadraceError


def message(code=None, *, fatal=False):
    error = None if code is None else KafkaError(code, "what librdkafka says", fatal)
    return Message(topic="events", partition=2, offset=7, error=error)


def test_a_message_without_error_is_a_record():
    assert holds_record(message())


@pytest.mark.parametrize(
    "code",
    [
        KafkaError._TRANSPORT,
        KafkaError._TIMED_OUT,
        KafkaError._MAX_POLL_EXCEEDED,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.REBALANCE_IN_PROGRESS,
    ],
)
def test_a_passing_error_is_logged_with_its_place(code, caplog):
    with caplog.at_level(logging.WARNING):
        assert not holds_record(message(code))
    assert "events partition 2" in caplog.text
    assert "what librdkafka says" in caplog.text


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (KafkaError._AUTO_OFFSET_RESET, "records at the committed offset are gone"),
        (KafkaError._BAD_MSG, "damaged at offset 7"),
        (KafkaError._BAD_COMPRESSION, "damaged at offset 7"),
        (KafkaError.UNKNOWN_TOPIC_OR_PART, "There is no topic events"),
    ],
)
def test_what_waiting_would_not_mend_ends_the_process_and_says_what_to_do(code, said):
    with pytest.raises(HeadraceError, match=said) as raised:
        holds_record(message(code))
    assert raised.value.fix


def test_a_fatal_error_ends_the_process():
    with pytest.raises(KafkaException, match="what librdkafka says"):
        holds_record(message(KafkaError.FENCED_INSTANCE_ID, fatal=True))
