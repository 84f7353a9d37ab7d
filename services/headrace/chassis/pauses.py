"""Whether a service has paused itself: kept in a topic, so that it survives a restart."""

import logging
from collections.abc import Callable
from time import monotonic
from typing import Any

from confluent_kafka import KafkaException

from headrace.chassis.clients import Clients
from headrace.chassis.messages import holds_record
from headrace.chassis.reading import beginnings, ends, is_end
from headrace.contracts.codec import Undecodable
from headrace.contracts.records import PauseChanged
from headrace.errors import HeadraceError

_log = logging.getLogger("headrace.pauses")


class Pauses:
    """Follows the topic in which services say that they paused, and people release them.

    Parameters
    ----------
    decode
        Decodes a record's value (``platform/PauseChanged``).
    """

    def __init__(
        self,
        clients: Clients,
        topic: str,
        service: str,
        decode: Callable[[bytes | None], dict[str, Any]],
    ) -> None:
        self._clients = clients
        self._topic = topic
        self._service = service
        self._decode = decode
        self._reader = clients.reader()
        self._latest: dict[str, Any] | None = None

    def open(self, timeout_s: float) -> None:
        """Read the topic to its end.

        Raises
        ------
        HeadraceError
            The end was not reached in time.
        """
        try:
            missing = ends(self._clients, self._topic, [0], timeout_s)
        except KafkaException as error:
            raise HeadraceError(
                f"{self._topic} cannot be read: {error.args[0].str()}",
                fix="Create it by `headrace topics apply`, or look for a broker that is away.",
            ) from error
        self._reader.assign(beginnings(self._clients, self._topic, [0], timeout_s))
        until = monotonic() + timeout_s
        while missing:
            self._read(0.1, missing)
            if monotonic() > until:
                raise HeadraceError(
                    f"{self._topic} could not be read to its end.",
                    fix="Look for a broker that is away, or a transaction that stays open.",
                )

    def refresh(self) -> None:
        """Take what has come since."""
        self._read(0, {})

    def expect(self, reason: str) -> None:
        """Take the service for paused: the record that says so was committed, and will be read."""
        self._latest = {"paused": True, "reason": reason}

    @property
    def reason(self) -> str | None:
        """Why the service is paused, or None where it is not."""
        if self._latest is None or not self._latest["paused"]:
            return None
        return str(self._latest["reason"])

    def close(self) -> None:
        """End the reading."""
        self._reader.close()

    def _read(self, timeout_s: float, ends_at: dict[int, int]) -> None:
        for message in self._reader.consume(1_000, timeout_s):
            if not is_end(message, ends_at) and holds_record(message):
                self._take(message.value())

    def _take(self, value: bytes | None) -> None:
        try:
            entry = self._decode(value)
        except Undecodable as error:  # what nobody can read pauses and releases nobody
            _log.warning("%s: %s", self._topic, error)
            return
        if entry["service"] == self._service:
            self._latest = entry


def pause(service: str, reason: str, now_ms: int) -> PauseChanged:
    """Return the fact that a service pauses itself."""
    return PauseChanged(
        service=service, paused=True, reason=reason, by=service, changed_at_ms=now_ms
    )


def release(service: str, reason: str, by: str, now_ms: int) -> PauseChanged:
    """Return the fact that somebody releases a service."""
    return PauseChanged(service=service, paused=False, reason=reason, by=by, changed_at_ms=now_ms)
