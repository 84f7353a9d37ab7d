"""Reading a topic once, from what is kept of it to its end, committed records only."""

from collections.abc import Iterator, Mapping
from time import monotonic
from typing import NamedTuple

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from headrace.chassis.clients import Clients
from headrace.chassis.offsets import EARLIEST, LATEST, committed, offsets
from headrace.errors import HeadraceError

_BATCH_RECORDS = 1_000
_POLL_S = 0.1


class Span(NamedTuple):
    """What of a partition is to be read: from ``start`` up to, not including, ``end``."""

    start: int
    end: int


def spans(clients: Clients, topic: str, timeout_s: float) -> dict[int, Span]:
    """Return what is kept of each partition, records of open transactions included.

    A read_committed consumer's own end is the first open transaction, so it would miss what that
    transaction's fate decides; this one is the high watermark.

    Raises
    ------
    HeadraceError
        There is no such topic, or the broker does not answer.
    """
    admin = clients.admin()
    try:
        partitions = _partitions(admin, topic, timeout_s)
        starts = offsets(admin, topic, partitions, EARLIEST, timeout_s)
        ends = offsets(admin, topic, partitions, LATEST, timeout_s)
    except KafkaException as error:
        raise _unanswered(f"The ends of {topic}", error) from error
    return {partition: Span(starts[partition], ends[partition]) for partition in partitions}


def committed_offsets(
    clients: Clients, group: str, topic: str, partitions: list[int], timeout_s: float
) -> dict[int, int]:
    """Return a group's stable committed offsets, 0 where it has none.

    Stable: a read_committed consumer waits for transactions in which offsets are pending.

    Raises
    ------
    HeadraceError
        The broker does not answer.
    """
    consumer = clients.consumer(group)
    try:
        asked = [TopicPartition(topic, partition) for partition in partitions]
        answers = committed(consumer, asked, timeout_s)
    except KafkaException as error:
        raise _unanswered(f"The committed offsets of {group}", error) from error
    finally:
        consumer.close()
    for answer in answers:
        if answer.error is not None:
            raise HeadraceError(f"The committed offsets of {group}: {answer.error}.")
    return {answer.partition: max(answer.offset, 0) for answer in answers}


def read(
    clients: Clients, topic: str, wanted: Mapping[int, Span], timeout_s: float
) -> Iterator[Message]:
    """Yield the committed records of each partition in order.

    Parameters
    ----------
    timeout_s
        How long to wait for the next record, that is also for a transaction to end.

    Raises
    ------
    HeadraceError
        A partition's end was not reached: a transaction is still open, or the broker is lost.
    """
    missing = {partition: span for partition, span in wanted.items() if span.start < span.end}
    positions = {partition: span.start for partition, span in missing.items()}
    reader = clients.reader()
    try:
        reader.assign([TopicPartition(topic, p, start) for p, start in positions.items()])
        until = monotonic() + timeout_s
        while missing:
            messages = reader.consume(_BATCH_RECORDS, _POLL_S)
            for message in messages:
                if _advance(message, missing, positions):
                    yield message
            if messages:
                until = monotonic() + timeout_s
            elif monotonic() > until:
                raise _unfinished(topic, missing, positions)
    finally:
        reader.close()


def _partitions(admin: AdminClient, topic: str, timeout_s: float) -> list[int]:
    # All topics, because asking for one by name may create it.
    found = admin.list_topics(timeout=timeout_s).topics.get(topic)
    if found is None:
        raise HeadraceError(f"There is no topic {topic}.", fix="Run `headrace topics apply`.")
    return sorted(found.partitions)


def place_of(message: Message) -> tuple[int, int]:
    """Return partition and offset, which every message that was read has."""
    return message.partition() or 0, message.offset() or 0


def _advance(message: Message, missing: dict[int, Span], positions: dict[int, int]) -> bool:
    """Note how far a partition is read; return whether the message is a record before its end."""
    error = message.error()
    partition, offset = place_of(message)
    if error is not None and error.code() != KafkaError._PARTITION_EOF:
        raise HeadraceError(f"Reading {message.topic()} failed: {error}.")
    if partition not in missing:
        return False
    end = missing[partition].end
    # Markers and aborted records are never delivered but take offsets, so the end of a partition
    # counts too: it says which offset comes next.
    positions[partition] = offset + (error is None)
    if positions[partition] >= end:
        del missing[partition]
    return error is None and offset < end


def _unfinished(
    topic: str, missing: Mapping[int, Span], positions: Mapping[int, int]
) -> HeadraceError:
    partition, span = min(missing.items())
    return HeadraceError(
        f"{topic} partition {partition} could not be read to its end: it stands at offset "
        f"{positions[partition]} of {span.end}, so a transaction is still open there, or the "
        "broker does not answer.",
        fix="Wait until the transaction has ended (the broker aborts it in the end), or give "
        "more time with --timeout-s.",
    )


def _unanswered(what: str, error: KafkaException) -> HeadraceError:
    return HeadraceError(
        f"{what} cannot be known: {error.args[0].str()}.",
        fix="Look at `headrace status`, or whether KAFKA_BOOTSTRAP_SERVERS is right; a "
        "transaction that is still open also delays the answer, see --timeout-s.",
    )
