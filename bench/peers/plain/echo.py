"""The raw echo: plain confluent-kafka, the same number and sizes of records, and no work.

Exactly once, on two producers that take turns: the limit of what any one process can do on this
broker. A decision begins with the event's partition and offset, so that it can be timed.
"""

import signal
import struct
import sys
from itertools import cycle
from pathlib import Path

from confluent_kafka import Consumer, Producer, TopicPartition

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from job import Settings

PLACE = struct.Struct(">iq")
TIMEOUT_S = 60.0


def main() -> None:
    """Echo until SIGTERM."""
    settings = Settings.load(sys.argv[1])
    tuning = settings.tuning
    consumer = Consumer(
        {
            "bootstrap.servers": settings.bootstrap_servers,
            "group.id": settings.group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            **tuning["consumer"],
        }
    )
    consumer.subscribe([settings.events])
    producers = [
        Producer(
            {
                "bootstrap.servers": settings.bootstrap_servers,
                "transactional.id": f"{settings.group}.{turn}",
                "partitioner": "murmur2_random",
                **tuning["producer"],
            }
        )
        for turn in range(2)
    ]
    for producer in producers:
        producer.init_transactions(TIMEOUT_S)
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    sizes = tuning["sizes"]
    rest = bytes(sizes["decision"] - PLACE.size)
    audit, change = bytes(sizes["audit"]), bytes(sizes["change"])
    changes = 0.0
    for producer in cycle(producers):
        messages = []
        while not messages and not stopped:
            messages = fetched(consumer, tuning["transaction_records"], tuning["wait_s"])
        if stopped:
            break
        metadata = consumer.consumer_group_metadata()
        producer.begin_transaction()
        for message in messages:
            key, partition, offset = message.key(), message.partition(), message.offset()
            value = PLACE.pack(partition, offset) + rest
            producer.produce(settings.decisions, value, key)
            producer.produce(settings.audits, audit, key)
            changes += sizes["changes_an_event"]
            while changes >= 1.0:
                producer.produce(settings.changelog, change, key, partition)
                changes -= 1.0
        reached = {message.partition(): message.offset() + 1 for message in messages}
        producer.send_offsets_to_transaction(
            [TopicPartition(settings.events, *each) for each in reached.items()],
            metadata,
            TIMEOUT_S,
        )
        producer.commit_transaction(TIMEOUT_S)
    consumer.close()


def fetched(consumer: Consumer, most: int, wait_s: float) -> list:
    """Return records: those that are there, or as many as come in ``wait_s``."""
    if wait_s:
        messages = consumer.consume(most, wait_s)
    else:
        first = consumer.poll(0.1)
        messages = [first, *consumer.consume(most - 1, 0)] if first else []
    return [message for message in messages if message.error() is None]


if __name__ == "__main__":
    main()
