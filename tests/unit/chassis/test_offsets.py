"""A partition without a leader is asked for again; whatever else is wrong is told at once."""

from collections.abc import Iterator
from concurrent.futures import Future
from itertools import chain, repeat

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec

from headrace.chassis.offsets import EARLIEST, LATEST, offsets
from support.fake_kafka import FakeClients, FakeKafka

TOPIC = "things"


class Admin:
    """Answers with an error for one partition as often as it is told, then as the broker does."""

    def __init__(self, kafka: FakeKafka, partition: int, errors: Iterator[int | None]) -> None:
        self._admin = FakeClients(kafka, "reader").admin()
        self._partition = partition
        self._errors = errors
        self.asked: list[list[int]] = []

    def list_offsets(self, asked: dict[TopicPartition, OffsetSpec], **options: object):
        self.asked.append(sorted(at.partition for at in asked))
        answers = self._admin.list_offsets(asked)
        for at in answers:
            code = next(self._errors) if at.partition == self._partition else None
            if code is not None:
                answers[at] = Future()
                answers[at].set_exception(KafkaException(KafkaError(code)))
        return answers


@pytest.fixture
def kafka() -> FakeKafka:
    kafka = FakeKafka()
    kafka.create_topic(TOPIC, 2)
    producer = FakeClients(kafka, "writer").producer()
    for partition, records in ((0, 3), (1, 5)):
        for _ in range(records):
            producer.produce(TOPIC, b"", partition=partition)
    producer.flush(1)
    return kafka


def test_every_partition_has_its_own_offset(kafka) -> None:
    admin = FakeClients(kafka, "reader").admin()
    assert offsets(admin, TOPIC, [0, 1], LATEST, 5.0) == {0: 3, 1: 5}
    assert offsets(admin, TOPIC, [1], EARLIEST, 5.0) == {1: 0}


@pytest.mark.parametrize(
    "code",
    [
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.OFFSET_NOT_AVAILABLE,
    ],
)
def test_only_a_partition_without_a_leader_is_asked_for_again(kafka, code) -> None:
    admin = Admin(kafka, 1, chain([code, code], repeat(None)))
    assert offsets(admin, TOPIC, [0, 1], LATEST, 5.0) == {0: 3, 1: 5}
    assert admin.asked == [[0, 1], [1], [1]]


def test_one_that_never_has_a_leader_is_an_error_in_the_end(kafka) -> None:
    admin = Admin(kafka, 0, repeat(KafkaError.NOT_LEADER_FOR_PARTITION))
    with pytest.raises(KafkaException) as raised:
        offsets(admin, TOPIC, [0, 1], LATEST, 0.1)
    assert raised.value.args[0].code() == KafkaError.NOT_LEADER_FOR_PARTITION
    assert len(admin.asked) > 1


def test_what_was_made_just_now_is_asked_for_until_the_broker_knows_it(kafka) -> None:
    codes = [KafkaError._NOENT, KafkaError.UNKNOWN_TOPIC_OR_PART]
    admin = Admin(kafka, 0, chain(codes, repeat(None)))
    assert offsets(admin, TOPIC, [0, 1], LATEST, 5.0, is_there=True) == {0: 3, 1: 5}
    assert admin.asked == [[0, 1], [0], [0]]


def test_any_other_error_is_raised_at_once(kafka) -> None:
    for code in (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError._NOENT):
        admin = Admin(kafka, 0, repeat(code))
        with pytest.raises(KafkaException):
            offsets(admin, TOPIC, [0], LATEST, 5.0)
        assert admin.asked == [[0]]


def test_of_no_partitions_nothing_is_asked(kafka) -> None:
    admin = Admin(kafka, 0, repeat(None))
    assert offsets(admin, TOPIC, [], LATEST, 5.0) == {}
    assert admin.asked == []
