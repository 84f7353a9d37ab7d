"""Reading topics from their beginning to the end that they have now."""

from collections.abc import Generator, Iterator, Sequence
from time import monotonic
from typing import cast

from confluent_kafka import (
    OFFSET_END,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]  # public, not in __all__

from headrace.chassis.batch import Fetched
from headrace.chassis.clients import Clients
from headrace.chassis.messages import holds_record
from headrace.chassis.offsets import EARLIEST, LATEST, offsets
from headrace.errors import HeadraceError

_MOST = 5_000
_WAIT_S = 0.1


def ends(
    clients: Clients, topic: str, partitions: Sequence[int], timeout_s: float
) -> dict[int, int]:
    """Return the high watermark of each partition, open transactions included.

    A read_committed consumer's own end stops at the first open transaction, and so may miss what
    that transaction's fate decides.
    """
    return offsets(clients.admin(), topic, partitions, LATEST, timeout_s)


def beginnings(
    clients: Clients, topic: str, partitions: Sequence[int], timeout_s: float
) -> list[TopicPartition]:
    """Return where each partition begins, to be assigned.

    A reader that is told to begin "at the beginning" asks for it itself, and waits half a second
    for that where it does not know the partition's leader yet.
    """
    first = offsets(clients.admin(), topic, partitions, EARLIEST, timeout_s)
    return [TopicPartition(topic, partition, offset) for partition, offset in first.items()]


def bounds(
    clients: Clients, topic: str, partitions: Sequence[int], timeout_s: float
) -> dict[int, range]:
    """Return the offsets that are kept of each partition; markers of transactions take some too.

    Raises
    ------
    HeadraceError
        There is no such topic, or the broker is away.
    """
    try:
        first = beginnings(clients, topic, partitions, timeout_s)
        end = ends(clients, topic, partitions, timeout_s)
    except KafkaException as error:
        raise _unreadable(topic, error) from error
    return {each.partition: range(each.offset, end[each.partition]) for each in first}


def since(
    clients: Clients, topic: str, partitions: Sequence[int], time_ms: int, timeout_s: float
) -> list[TopicPartition]:
    """Return where the records from a time on begin, to be assigned; the end where there are none.

    Parameters
    ----------
    time_ms
        Of the records' own timestamps, in milliseconds since the epoch.
    """
    at_time = OffsetSpec.for_timestamp(time_ms)
    first = offsets(clients.admin(), topic, partitions, at_time, timeout_s)
    return [
        TopicPartition(topic, partition, OFFSET_END if offset < 0 else offset)
        for partition, offset in first.items()
    ]


def read_to_end(
    clients: Clients,
    topic: str,
    partitions: Sequence[int],
    timeout_s: float,
    since_ms: int | None = None,
) -> Generator[list[Fetched], None, None]:
    """Read all that is committed up to the end that partitions have when this begins.

    Parameters
    ----------
    since_ms
        Begin with the records of this time, in milliseconds since the epoch; with the first of
        all where not given.

    Yields
    ------
    Records of any of the partitions, in the order of each; an empty list now and then while
    waiting, so that the caller can look after other things.

    Raises
    ------
    HeadraceError
        Nothing came for ``timeout_s``: a transaction stays open, or the broker is away.
    """
    missing = ends(clients, topic, partitions, timeout_s)
    reader = clients.reader()
    try:
        if since_ms is None:
            reader.assign(beginnings(clients, topic, partitions, timeout_s))
        else:
            reader.assign(since(clients, topic, partitions, since_ms, timeout_s))
        until = monotonic() + timeout_s
        while missing:
            messages = reader.consume(_MOST, _WAIT_S)
            records = [
                cast("Fetched", each)
                for each in messages
                if not is_end(each, missing) and holds_record(each)
            ]
            yield records
            if records:
                until = monotonic() + timeout_s
            elif monotonic() > until:
                raise HeadraceError(
                    f"{topic}: partitions {sorted(missing)} could not be read to their end.",
                    fix="Look for a transaction that stays open, or a broker that is away.",
                )
    finally:
        reader.close()


def read_span(
    clients: Clients, topic: str, span: range, timeout_s: float
) -> Generator[list[Fetched], None, None]:
    """Read what is committed of a topic's only partition, by its offsets; as :func:`read_to_end`.

    Parameters
    ----------
    span
        From the first offset up to, not including, its end, which must be committed.
    """
    if not span:
        return
    reader = clients.reader()
    try:
        reader.assign([TopicPartition(topic, 0, span.start)])
        until, has_ended = monotonic() + timeout_s, False
        missing = {0: span.stop}
        while not has_ended:
            messages = reader.consume(_MOST, _WAIT_S)
            records = [
                cast("Fetched", each)
                for each in messages
                if not is_end(each, missing) and holds_record(each)
            ]
            has_ended = not missing or any(each.offset() >= span.stop - 1 for each in records)
            yield [each for each in records if each.offset() < span.stop]
            if records:
                until = monotonic() + timeout_s
            elif monotonic() > until and not has_ended:
                raise HeadraceError(
                    f"{topic} could not be read up to offset {span.stop}.",
                    fix="Look for a broker that is away, or records that were deleted.",
                )
    finally:
        reader.close()


def records_of(
    clients: Clients, topic: str, timeout_s: float, since_ms: int | None = None
) -> Iterator[Fetched]:
    """Yield all that is committed to a topic of one partition; as :func:`read_to_end`.

    Raises
    ------
    HeadraceError
        There is no such topic, a transaction stays open, or the broker is away.
    """
    try:
        for batch in read_to_end(clients, topic, [0], timeout_s, since_ms):
            yield from batch
    except KafkaException as error:
        raise _unreadable(topic, error) from error


def end_of(clients: Clients, topic: str, timeout_s: float) -> int:
    """Return where a topic of one partition ends, open transactions included.

    Raises
    ------
    HeadraceError
        There is no such topic, or the broker is away.
    """
    try:
        return ends(clients, topic, [0], timeout_s)[0]
    except KafkaException as error:
        raise _unreadable(topic, error) from error


def _unreadable(topic: str, error: KafkaException) -> HeadraceError:
    return HeadraceError(
        f"{topic} cannot be read: {error.args[0].str()}.",
        fix="Create it by `headrace topics apply`, or look for a broker that is away.",
    )


def is_end(message: Message, ends_at: dict[int, int]) -> bool:
    """Return whether it says that a partition ends; strike the partition off where that is due.

    Markers of transactions take offsets too, so only the end itself tells that it is reached.
    """
    error = message.error()
    if error is None or error.code() != KafkaError._PARTITION_EOF:
        return False
    partition, offset = message.partition(), message.offset() or 0
    if partition in ends_at and offset >= ends_at[partition]:
        del ends_at[partition]
    return True
