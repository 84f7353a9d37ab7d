"""Producing a single record outside the stream, and knowing that it arrived."""

from confluent_kafka import KafkaError

from headrace.chassis.clients import Clients
from headrace.errors import HeadraceError


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
