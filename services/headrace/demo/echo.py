"""The raw echo: what plain confluent-kafka does with the same records and no work.

It reads the same events and writes as many records of the same sizes, exactly once, in
transactions of 1,000: the limit of what any service on this broker can do.
"""

import time
from dataclasses import dataclass
from itertools import cycle

from confluent_kafka import TopicPartition

from headrace.chassis.clients import Clients
from headrace.chassis.reading import beginnings

TRANSACTION_RECORDS = 1_000
_TIMEOUT_S = 60.0
_TRANSACTION_TIMEOUT_MS = 10_000


@dataclass(frozen=True)
class EchoSizes:
    """Mean bytes of the values that one event causes."""

    decision: int
    audit: int
    change: int


def echo(
    clients: Clients, source: str, target: str, partitions: int, events: int, sizes: EchoSizes
) -> float:
    """Echo ``events`` records of ``source`` to ``target``.

    Returns
    -------
    Events a second, from the first transaction's begin to the last one's commit.
    """
    consumer = clients.consumer(f"{target}.echo")
    consumer.assign(beginnings(clients, source, range(partitions), _TIMEOUT_S))
    producers = [
        clients.transactional_producer(f"{target}.{turn}", _TRANSACTION_TIMEOUT_MS)
        for turn in range(2)
    ]
    for producer in producers:
        producer.init_transactions(_TIMEOUT_S)
    values = [bytes(size) for size in (sizes.decision, sizes.audit, sizes.change)]
    done, started = 0, 0.0
    for producer in cycle(producers):
        messages = consumer.consume(min(TRANSACTION_RECORDS, events - done), 1.0)
        started = started or time.perf_counter()
        producer.begin_transaction()
        for message in messages:
            for value in values:
                producer.produce(target, value, message.key())
        reached = {m.partition() or 0: (m.offset() or 0) + 1 for m in messages}
        producer.send_offsets_to_transaction(
            [TopicPartition(source, p, offset) for p, offset in reached.items()],
            consumer.consumer_group_metadata(),
            _TIMEOUT_S,
        )
        producer.commit_transaction(_TIMEOUT_S)
        done += len(messages)
        if done >= events:
            break
    elapsed_s = time.perf_counter() - started
    consumer.close()
    return done / elapsed_s
