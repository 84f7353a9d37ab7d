"""Producing outside the stream, one record or several as one, and knowing that they arrived."""

from collections.abc import Iterable
from typing import Final
from uuid import uuid4

from confluent_kafka import KafkaError, KafkaException, Producer

from headrace.chassis.clients import Clients
from headrace.chassis.transactor import ToProduce, enqueue, persist
from headrace.errors import HeadraceError

_CALL_S: Final = 5.0


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
    transactional_id = f"headrace.once.{uuid4().hex}"
    producer = clients.transactional_producer(transactional_id, int(timeout_s * 1_000))
    try:
        persist(lambda: producer.init_transactions(_CALL_S), timeout_s)
        producer.begin_transaction()
        for each in records:
            enqueue(producer, each)
        persist(lambda: producer.commit_transaction(_CALL_S), timeout_s)
    except KafkaException as error:
        _abort(producer)
        raise HeadraceError(
            f"The records were not taken as one: {error.args[0].str()}.",
            fix="Where a topic lacks, create it by `headrace topics apply`; else try again.",
        ) from error


def _abort(producer: Producer) -> None:
    """End a transaction that failed, where that can be done; else the broker does."""
    try:
        producer.abort_transaction(_CALL_S)
    except KafkaException:
        return
