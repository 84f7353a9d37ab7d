"""A loop by hand on plain confluent-kafka: batches in, records and offsets out."""

import signal
from collections.abc import Callable, Sequence
from itertools import cycle

from confluent_kafka import Consumer, Message, Producer, TopicPartition
from job import Settings

TIMEOUT_S = 60.0

Handle = Callable[[Sequence[Message], Producer], None]
"""Hands what comes of a batch to a producer."""


def run(settings: Settings, handle: Handle) -> None:
    """Handle batches until SIGTERM.

    Exactly once: a transaction for each batch, on two producers that take turns, because a
    producer's next transaction waits for the markers of its last one. Else at least once: all is
    flushed, then the offsets are committed.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": settings.bootstrap_servers,
            "group.id": settings.group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            **settings.tuning["consumer"],
        }
    )
    consumer.subscribe([settings.events])
    finish = in_transaction if settings.tuning["exactly_once"] else flushed
    producers = [producer(settings, turn) for turn in range(2)]
    stopped: list[bool] = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    for each in cycle(producers):
        messages: list[Message] = []
        while not messages and not stopped:
            messages = fetched(consumer, settings)
        if stopped:
            break
        if finish is in_transaction:
            each.begin_transaction()
        handle(messages, each)
        reached = {message.partition(): message.offset() + 1 for message in messages}
        finish(each, consumer, [TopicPartition(settings.events, *at) for at in reached.items()])
    consumer.close()


def fetched(consumer: Consumer, settings: Settings) -> list[Message]:
    """Return records: as many as come in ``wait_s``, or without that those that are there."""
    most, wait_s = settings.tuning["batch_records"], settings.tuning["wait_s"]
    if wait_s:
        messages = consumer.consume(most, wait_s)
    else:
        first = consumer.poll(0.1)
        messages = [first, *consumer.consume(most - 1, 0)] if first else []
    return [message for message in messages if message.error() is None]


def producer(settings: Settings, turn: int) -> Producer:
    """Return a producer, ready for transactions where it is to be exactly once."""
    config = {
        "bootstrap.servers": settings.bootstrap_servers,
        "partitioner": "murmur2_random",
        "enable.idempotence": True,
        **settings.tuning["producer"],
    }
    if not settings.tuning["exactly_once"]:
        return Producer(config)
    made = Producer({**config, "transactional.id": f"{settings.group}.{turn}"})
    made.init_transactions(TIMEOUT_S)
    return made


def in_transaction(to: Producer, consumer: Consumer, offsets: list[TopicPartition]) -> None:
    """Commit records and offsets at once."""
    to.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata(), TIMEOUT_S)
    to.commit_transaction(TIMEOUT_S)


def flushed(to: Producer, consumer: Consumer, offsets: list[TopicPartition]) -> None:
    """Await the records, then commit the offsets."""
    to.flush(TIMEOUT_S)
    consumer.commit(offsets=offsets, asynchronous=False)
