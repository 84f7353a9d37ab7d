"""Signs of life: who watches the services must hear of each, and miss the one that falls silent."""

import logging
from collections.abc import Callable
from time import monotonic
from typing import Final, Literal

from confluent_kafka import KafkaError, KafkaException, Producer

from headrace.chassis.clients import Clients
from headrace.chassis.topology import Channel
from headrace.contracts.records import HeartbeatSent

_log = logging.getLogger("headrace.heart")

_STALE_MS: Final = 5_000
"""A sign of life that could not be delivered for so long says nothing any more."""
_GOODBYE_S: Final = 2.0


class Heart:
    """Sends the signs of life of one instance, beside its work: never in a transaction.

    Parameters
    ----------
    channel
        Where they go (``platform/HeartbeatSent``).
    every_s
        How often.
    now_ms
        The wall clock, in milliseconds.
    """

    def __init__(
        self,
        clients: Clients,
        channel: Channel,
        service: str,
        instance: str,
        every_s: float,
        now_ms: Callable[[], int],
    ) -> None:
        self._clients = clients
        self._channel = channel
        self._service, self._instance = service, instance
        self._every_s = every_s
        self._now_ms = now_ms
        self._started_at_ms = now_ms()
        self._due_s = 0.0
        self._producer: Producer | None = None
        self._records = self._dead_letters = 0
        self._has_failed = False

    def beat(self) -> None:
        """Send a sign of life where one is due; it waits for nothing."""
        now_s = monotonic()
        if now_s >= self._due_s:
            self._due_s = now_s + self._every_s
            self._send("running", 0.0)

    def count(self, records: int, dead_letters: int) -> None:
        """Count what was committed: input records, and those of them that were given up."""
        self._records += records
        self._dead_letters += dead_letters

    def leave(self) -> None:
        """Say that the instance ends as it was told to, so that nobody misses it."""
        self._due_s = float("inf")
        self._send("left", _GOODBYE_S)

    def _send(self, state: Literal["running", "left"], wait_s: float) -> None:
        try:
            self._produce(state).flush(wait_s)
        except (KafkaException, BufferError) as error:  # nobody stops working for a sign of life
            _log.warning("no sign of life can be sent: %s", error)
            self._producer = None

    def _produce(self, state: Literal["running", "left"]) -> Producer:
        if self._producer is None:
            self._producer = self._clients.producer(**{"message.timeout.ms": _STALE_MS})
        sent = HeartbeatSent(
            service=self._service,
            instance=self._instance,
            state=state,
            started_at_ms=self._started_at_ms,
            sent_at_ms=self._now_ms(),
            records=self._records,
            dead_letters=self._dead_letters,
        )
        topic, encode, _ = self._channel
        key = f"{self._service}/{self._instance}"
        self._producer.produce(topic, encode(sent), key, on_delivery=self._sent)
        return self._producer

    def _sent(self, error: KafkaError | None, _message: object) -> None:
        """Log the first of several failures in a row."""
        if error is not None and not self._has_failed:
            _log.warning("no sign of life can be sent: %s", error.str())
        self._has_failed = error is not None


class _Quiet:
    """Sends nothing."""

    def beat(self) -> None:
        """Do nothing."""

    def count(self, records: int, dead_letters: int) -> None:
        """Do nothing."""

    def leave(self) -> None:
        """Do nothing."""


QUIET: Final = _Quiet()
"""For a stream that nobody watches."""
