"""Producing outside the stream, one record or several as one, and knowing that they arrived."""

from collections.abc import Callable, Iterable
from typing import Final
from uuid import uuid4

from confluent_kafka import KafkaError, KafkaException, Producer

from headrace.chassis.clients import Clients
from headrace.chassis.transactor import ToProduce, enqueue, persist
from headrace.errors import HeadraceError

_CALL_S: Final = 5.0
_FENCED: Final = (
    KafkaError._FENCED,
    KafkaError.PRODUCER_FENCED,
    KafkaError.INVALID_PRODUCER_EPOCH,
)


def produce_one(
    clients: Clients, topic: str, key: str, value: bytes, timeout_s: float = 30.0
) -> None:
    """Write one record and wait until the broker has it.

    Raises
    ------
    HeadraceError
        It was not delivered, or nobody said so in time.
    """
    failures: list[KafkaError] = []

    def delivered(error: KafkaError | None, _message: object) -> None:
        if error is not None:
            failures.append(error)

    producer = clients.producer()
    producer.produce(topic, value, key, on_delivery=delivered)
    if producer.flush(timeout_s):
        raise HeadraceError(
            f"{topic}: no broker has taken the record within {timeout_s:g} s.",
            fix="Look for a broker that is away, and try again.",
        )
    if failures:
        raise HeadraceError(
            f"{topic} does not take the record: {failures[0].str()}.",
            fix="Where there is no such topic, create it by: headrace topics apply",
        )


def produce_together(
    clients: Clients, records: Iterable[ToProduce], timeout_s: float = 30.0
) -> None:
    """Write records in one transaction: who reads what is committed finds all of them, or none.

    Its transactional id is its own, so that two at a time do not fence each other; what a killed
    one leaves open is aborted by the broker.

    Raises
    ------
    HeadraceError
        The broker has refused them, or has not said within the time that they are committed.
    """
    produce_fenced(clients, f"headrace.once.{uuid4().hex}", lambda: records, timeout_s)


class Fenced(HeadraceError):
    """Another process has taken the transactional id: nothing was written."""


def produce_fenced(
    clients: Clients,
    transactional_id: str,
    records: Callable[[], Iterable[ToProduce]],
    timeout_s: float = 30.0,
    go_on: Callable[[], bool] = lambda: True,
) -> None:
    """Write records in one transaction, as the only process that has its transactional id.

    Parameters
    ----------
    records
        Called once whoever had the id before can write no more, and what they have committed can
        be read; where it returns nothing, nothing is written.
    go_on
        Whether a broker that does not answer is still to be waited for.

    Raises
    ------
    Fenced
        Another process has taken the id since.
    HeadraceError
        As :func:`produce_together`.
    """
    producer = clients.transactional_producer(transactional_id, int(timeout_s * 1_000))
    try:
        persist(lambda: producer.init_transactions(_CALL_S), timeout_s, go_on)
    except KafkaException as error:
        raise _not_taken(error) from error
    wanted = list(records())
    if not wanted:
        return
    try:
        producer.begin_transaction()
        for each in wanted:
            enqueue(producer, each)
        persist(lambda: producer.commit_transaction(_CALL_S), timeout_s, go_on)
    except KafkaException as error:
        raise _not_taken(_aborted(producer, error)) from error


def _not_taken(error: KafkaException) -> HeadraceError:
    said = error.args[0]
    if said.code() in _FENCED:
        return Fenced("The records were not taken: another process writes them.")
    return HeadraceError(
        f"The records were not taken as one: {said.str()}.",
        fix="Where a topic lacks, create it by `headrace topics apply`; else try again.",
    )


def _aborted(producer: Producer, error: KafkaException) -> KafkaException:
    """End a transaction that failed, where that can be done (else the broker does); return why.

    Of a producer that has failed for good, the next call says only that; to abort says why.
    """
    try:
        producer.abort_transaction(_CALL_S)
    except KafkaException as failed:
        return failed if error.args[0].code() == KafkaError._FATAL else error
    return error
