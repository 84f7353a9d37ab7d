"""What the suite needs of a broker, and what its tests do with one."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import pytest
from confluent_kafka import (
    OFFSET_BEGINNING,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin._listoffsets import OffsetSpec

Client = Any  # the fake's or confluent_kafka's: that both fit is what the suite shows


class Broker(Protocol):
    """What the suite needs to know of the broker that it runs against."""

    def clients(self) -> Client:
        """Return the clients of a process."""

    def topic(self, partitions: int = 1, max_message_bytes: int = 1_048_588) -> str:
        """Create a topic of the test's own."""

    def name(self) -> str:
        """Return a group or transactional id that nobody used before."""

    def until(self, reached: Callable[[], bool]) -> None:
        """Call again until it says True; fail where it never does."""

    def expel(self, member: Client) -> None:
        """Let the group go on without a member, and the member's client learn of it unpolled."""

    def expire_transactions(self) -> None:
        """Let transactions with a timeout of a second reach it; the broker may take its time."""

    def lose_commit_answer(self, producer: Client) -> KafkaException | None:
        """Commit, and let the answer come too late; return what was raised instead."""


def initialised(broker: Broker, transactional_id: str | None = None) -> Client:
    """Return a transactional producer that has fenced all others of its id."""
    producer = broker.clients().transactional_producer(transactional_id or broker.name(), 10_000)
    producer.init_transactions(10)
    return producer


def transact(producer: Client, topic: str, value: bytes) -> None:
    """Produce one record in a transaction of its own."""
    producer.begin_transaction()
    producer.produce(topic, value)
    producer.commit_transaction()


def transacted(producer: Client, topic: str, value: bytes) -> bool:
    """Transact; where that fails, abort and say False."""
    try:
        transact(producer, topic, value)
    except KafkaException:
        producer.abort_transaction()
        return False
    return True


def read(
    broker: Broker, topic: str, isolation: str = "read_committed", partitions: int = 1
) -> Iterator[Message]:
    """Iterate over what a reader gets of a topic, up to its end and with it."""
    extra = {"isolation.level": isolation, "enable.partition.eof": True}
    consumer = broker.clients().consumer(broker.name(), **extra)
    consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in range(partitions)])
    ends = 0
    while ends < partitions:
        messages = consumer.consume(100, 0.1)
        ends += sum(message.error() is not None for message in messages)
        yield from messages
    consumer.close()


def records(broker: Broker, topic: str, partitions: int = 1) -> list[Message]:
    """Return the committed records of a topic."""
    messages = read(broker, topic, partitions=partitions)
    return [message for message in messages if message.error() is None]


def values(broker: Broker, topic: str, isolation: str = "read_committed") -> list[bytes | None]:
    """Return the values of a topic's records."""
    return [m.value() for m in read(broker, topic, isolation) if m.error() is None]


def end(broker: Broker, topic: str, isolation: str) -> int:
    """Return the end of partition 0 for readers of an isolation level."""
    at, admin = TopicPartition(topic, 0), broker.clients().admin()
    level = IsolationLevel[isolation.upper()]
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # its own lack
    answers = admin.list_offsets({at: latest}, isolation_level=level)
    return int(answers[at].result().offset)


def committed(consumer: Client, topic: str) -> list[TopicPartition]:
    """Return a group's committed offset of partition 0."""
    committed: list[TopicPartition] = consumer.committed([TopicPartition(topic, 0)], timeout=10)
    return committed


def refusal(refused: Callable[[], object]) -> int:
    """Return the code of the error with which a call is refused."""
    with pytest.raises(KafkaException) as raised:
        refused()
    return int(raised.value.args[0].code())


def offsets_refused(producer: Client, topic: str, metadata: object) -> KafkaError | None:
    """Begin a transaction and send an offset; return the error with which it was refused."""
    producer.begin_transaction()
    try:
        producer.send_offsets_to_transaction([TopicPartition(topic, 0, 1)], metadata, 10)
    except KafkaException as refused:
        error: KafkaError = refused.args[0]
        return error
    return None


def code(message: Message) -> int | None:
    """Return the code of a message's error, if it is one."""
    error = message.error()
    return None if error is None else error.code()


def numbers(partitions: list[TopicPartition]) -> list[int]:
    """Return the numbers of partitions."""
    return sorted(at.partition for at in partitions)
