"""Producing a single record outside the stream, and knowing that it arrived."""

from confluent_kafka import KafkaError, KafkaException

from headrace.chassis.clients import Clients


def produce_one(clients: Clients, topic: str, key: str, value: bytes) -> None:
    """Write one record and wait until the broker has it.

    Raises
    ------
    KafkaException
        It was not delivered.
    """
    failures: list[KafkaError] = []

    def delivered(error: KafkaError | None, _message: object) -> None:
        if error is not None:
            failures.append(error)

    producer = clients.producer()
    producer.produce(topic, value, key, on_delivery=delivered)
    producer.flush(30.0)
    if failures:
        raise KafkaException(failures[0])
