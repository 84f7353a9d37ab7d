"""Kafka clients with the settings that correctness rests on, in one place."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from headrace.chassis.settings import KafkaSettings, security
from headrace.errors import HeadraceError

Client = TypeVar("Client")

_log = logging.getLogger("headrace.kafka")


class Clients:
    """Makes clients of one cluster."""

    def __init__(self, settings: KafkaSettings, client_id: str = "headrace") -> None:
        self._base: dict[str, Any] = {
            "bootstrap.servers": settings.bootstrap_servers,
            "client.id": client_id,
            # Not the default: librdkafka would hide a broker's restart behind minutes of silence.
            "reconnect.backoff.max.ms": 1_000,
            "log.connection.close": False,
            "logger": _log,
            **security(),
        }

    def consumer(self, group: str, **extra: Any) -> Consumer:
        """Return a member of a group that commits nothing by itself."""
        return _made(
            Consumer,
            {
                **self._base,
                **_CONSUMER,
                "group.id": group,
                # Two topics read together need the same partitions of both on one member.
                "partition.assignment.strategy": "range",
                # Records that were deleted before they were read are an error, never skipped.
                "auto.offset.reset": "error",
                **extra,
            },
        )

    def reader(self) -> Consumer:
        """Return a consumer for assigned partitions only, that says where a partition ends."""
        return _made(
            Consumer,
            {
                **self._base,
                **_CONSUMER,
                "group.id": "headrace.reader",  # required by librdkafka; nothing joins or commits
                "auto.offset.reset": "earliest",
                "enable.partition.eof": True,
            },
        )

    def producer(self, **extra: Any) -> Producer:
        """Return an idempotent producer."""
        return _made(Producer, {**self._base, **_PRODUCER, **extra})

    def gapless_producer(self) -> Producer:
        """Return a producer of which, in a partition, nothing comes after what did not arrive.

        A refused record is fatal to it, and it tries for ever: flush it with a time-out.
        """
        return self.producer(
            **{
                "enable.gapless.guarantee": True,
                # Records that time out are not covered by that.
                "message.timeout.ms": 0,
                # Errors only: it warns of the guarantee's being experimental each time.
                "log_level": 3,
            }
        )

    def transactional_producer(self, transactional_id: str, timeout_ms: int) -> Producer:
        """Return a producer whose transactions the broker aborts after ``timeout_ms``."""
        return _made(
            Producer,
            {
                **self._base,
                **_PRODUCER,
                "transactional.id": transactional_id,
                "transaction.timeout.ms": timeout_ms,
                # A transaction waits for the markers of the one before by retrying: 100 ms by
                # default, which is most of a light load's latency.
                "retry.backoff.ms": 1,
                "retry.backoff.max.ms": 100,
                # Committing sends at once whatever lingers. Without it, every record that is
                # enqueued wakes the thread that sends, which takes processor time from all.
                "linger.ms": 5,
            },
        )

    def admin(self) -> AdminClient:
        """Return an administrative client."""
        return _made(AdminClient, self._base)


def session(timeout_ms: int) -> dict[str, int]:
    """Return a member's session; librdkafka's beat of 3 s would let a session of 3 s expire."""
    return {"session.timeout.ms": timeout_ms, "heartbeat.interval.ms": timeout_ms // 3}


def _made(kind: Callable[[dict[str, Any]], Client], config: dict[str, Any]) -> Client:
    """Make a client.

    Raises
    ------
    HeadraceError
        librdkafka does not know a setting, or refuses its value.
    """
    try:
        return kind(config)
    except KafkaException as error:
        raise HeadraceError(
            f"Kafka's client does not take its settings: {error.args[0].str()}",
            fix="Look at the variables KAFKA_SASL_*, KAFKA_SSL_* and KAFKA_SECURITY_*.",
        ) from error


_CONSUMER: dict[str, Any] = {
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "isolation.level": "read_committed",
    "check.crcs": True,
    "fetch.wait.max.ms": 100,
    "fetch.error.backoff.ms": 50,
    # A full queue is refilled at once: by default a fast reader waits a second for it.
    "fetch.queue.backoff.ms": 10,
    # The bound of memory for what has been fetched but not handled.
    "queued.max.messages.kbytes": 32_768,
    "queued.min.messages": 20_000,
}
_PRODUCER: dict[str, Any] = {
    # As Java's clients do: one key must have one partition whoever publishes.
    "partitioner": "murmur2_random",
    "acks": "all",
    "enable.idempotence": True,
    # A dead letter holds a record of the largest size and what is said about it.
    "message.max.bytes": 4_194_304,
    "queue.buffering.max.messages": 200_000,
    "queue.buffering.max.kbytes": 131_072,
}
