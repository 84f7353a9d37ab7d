"""Asking the brokers for offsets, and again while a partition or a group has nobody who knows."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from time import monotonic, sleep
from typing import Final

from confluent_kafka import Consumer, IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, not in __all__
    AdminClient,
    ListOffsetsResultInfo,
    OffsetSpec,
)

EARLIEST: Final[OffsetSpec] = OffsetSpec.earliest()  # type: ignore[no-untyped-call]  # as it ships
LATEST: Final[OffsetSpec] = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # as it ships

_PAUSE_S = 0.05
# A broker says so of a partition that it leads by the metadata already, but not itself yet (or not
# since when, or up to where): just after the topic was created, or while another broker takes over;
# or it was too busy to answer in time. librdkafka does not ask again.
_LEADERLESS = frozenset(
    {
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.REPLICA_NOT_AVAILABLE,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.OFFSET_NOT_AVAILABLE,
        KafkaError.REQUEST_TIMED_OUT,
    }
)
# All brokers say so of what is not there, and some of what was made just now.
_UNKNOWN = frozenset({KafkaError._NOENT, KafkaError.UNKNOWN_TOPIC_OR_PART})
# The same of a group: a broker has just started, or another one takes the group over.
_UNCOORDINATED = frozenset(
    {
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
    }
)


def offsets(
    admin: AdminClient,
    topic: str,
    partitions: Sequence[int],
    which: OffsetSpec,
    timeout_s: float,
    isolation: IsolationLevel = IsolationLevel.READ_UNCOMMITTED,
    *,
    is_there: bool = False,
) -> dict[int, int]:
    """Return an offset of each partition, open transactions included unless told otherwise.

    Parameters
    ----------
    which
        ``EARLIEST``, ``LATEST``, or of a time.
    timeout_s
        For one answer, and for how long partitions may be without a leader.
    is_there
        The topic was made just now: a broker that does not know it yet will.

    Raises
    ------
    KafkaException
        There is no such partition, it has had no leader all the time, or the broker is away.
    """
    until = monotonic() + timeout_s
    passing = _LEADERLESS | _UNKNOWN if is_there else _LEADERLESS
    found: dict[int, int] = {}
    while missing := [each for each in partitions if each not in found]:
        asked = {TopicPartition(topic, each): which for each in missing}
        answers = admin.list_offsets(asked, isolation_level=isolation, request_timeout=timeout_s)
        found |= _answered(answers, frozenset() if monotonic() > until else passing)
        if len(found) < len(partitions):
            sleep(_PAUSE_S)
    return found


def committed(
    consumer: Consumer, places: Sequence[TopicPartition], timeout_s: float
) -> list[TopicPartition]:
    """Return where a consumer's group stands in partitions; each may have an error of its own.

    Parameters
    ----------
    timeout_s
        For one answer, and for how long nobody may know the group.

    Raises
    ------
    KafkaException
        Nobody has known the group all the time, or the broker is away.
    """
    until = monotonic() + timeout_s
    while True:
        try:
            return consumer.committed([*places], timeout_s)
        except KafkaException as error:
            if error.args[0].code() not in _UNCOORDINATED or monotonic() > until:
                raise
            sleep(_PAUSE_S)


def _answered(
    answers: Mapping[TopicPartition, "Future[ListOffsetsResultInfo]"], passing: frozenset[int]
) -> dict[int, int]:
    found = {}
    for at, answer in answers.items():
        try:
            found[at.partition] = answer.result().offset
        except KafkaException as error:
            if error.args[0].code() not in passing:
                raise
    return found
