"""Reading a topic from its beginning: to its end, or on and on."""

import time
from collections.abc import Iterator

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from headrace.chassis.clients import Clients
from headrace.errors import HeadraceError

POLL_S = 0.1
_BATCH_RECORDS = 10_000
_SILENCE_S = 30.0


def reader(clients: Clients, topic: str, partitions: int) -> Consumer:
    """Return a read_committed consumer at the beginning of a topic."""
    consumer = clients.reader()
    consumer.assign([TopicPartition(topic, n, OFFSET_BEGINNING) for n in range(partitions)])
    return consumer


def polled(consumer: Consumer) -> list[tuple[int, bytes | None]]:
    """Return partition and value of what has come; nothing where nothing did for a moment.

    Raises
    ------
    HeadraceError
        Kafka says that it cannot go on.
    """
    first = consumer.poll(POLL_S)
    messages = [] if first is None else [first, *consumer.consume(_BATCH_RECORDS, 0)]
    values: list[tuple[int, bytes | None]] = []
    for message in messages:
        error = message.error()
        if error is None:
            values.append((message.partition() or 0, message.value()))
        else:
            _require_end(error)
    return values


def kept(clients: Clients, topic: str, partitions: int) -> Iterator[bytes | None]:
    """Yield every value that a topic holds now.

    Raises
    ------
    HeadraceError
        Kafka falls silent before the end.
    """
    consumer = reader(clients, topic, partitions)
    try:
        left, heard_at_s = partitions, time.monotonic()
        while left:
            for message in consumer.consume(_BATCH_RECORDS, POLL_S):
                heard_at_s = time.monotonic()
                if (error := message.error()) is None:
                    yield message.value()
                else:
                    _require_end(error)
                    left -= 1
            if time.monotonic() - heard_at_s > _SILENCE_S:
                raise HeadraceError(
                    f"Kafka is silent before the end of {topic}.", fix="See `headrace status`."
                )
    finally:
        consumer.close()


def _require_end(error: KafkaError) -> None:
    """Take the end of a partition for what it is, and anything else for an error."""
    if error.code() != KafkaError._PARTITION_EOF:
        raise HeadraceError(f"Kafka refuses to go on: {error.str()}")
