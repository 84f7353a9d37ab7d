"""A compacted topic as a mapping: the latest record of each key, for reading only."""

import logging
from collections.abc import Callable, Mapping
from time import monotonic
from types import MappingProxyType
from typing import Any, Protocol, cast

from confluent_kafka import KafkaException

from headrace.chassis.batch import Fetched
from headrace.chassis.clients import Clients
from headrace.chassis.messages import holds_record
from headrace.chassis.reading import beginnings, ends, is_end
from headrace.contracts.codec import Undecodable
from headrace.errors import HeadraceError

_log = logging.getLogger("headrace.table")

_MOST = 1_000


class Followed(Protocol):
    """What a handler looks things up in: it changes between two batches only."""

    def open(self, timeout_s: float) -> None:
        """Be ready to be looked at."""

    def refresh(self) -> None:
        """Take what has come since; it must not wait for anything."""

    def close(self) -> None:
        """End."""


class Table:
    """The latest record of each key of a topic with one partition.

    It is read to its end when it is opened, and changes only in :meth:`refresh`: while a batch is
    handled it stands still.

    Parameters
    ----------
    decode
        Decodes a record's value.
    """

    def __init__(
        self, clients: Clients, topic: str, decode: Callable[[bytes | None], dict[str, Any]]
    ) -> None:
        self._clients = clients
        self._topic = topic
        self._decode = decode
        self._reader = clients.reader()
        self._records: dict[str, Mapping[str, Any]] = {}
        self.records: Mapping[str, Mapping[str, Any]] = MappingProxyType(self._records)
        """By key, as it was last read."""

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
            if self._read(0.1, missing):
                until = monotonic() + timeout_s
            elif monotonic() > until:
                raise HeadraceError(
                    f"{self._topic} could not be read to its end.",
                    fix="Look for a broker that is away, or a transaction that stays open.",
                )

    def refresh(self) -> None:
        """Take what has come since."""
        while self._read(0, {}) == _MOST:
            pass

    def expect(self, key: str, record: Mapping[str, Any]) -> None:
        """Hold a record that was committed to the topic, and will be read."""
        self._records[key] = record

    def close(self) -> None:
        """End the reading."""
        self._reader.close()

    def _read(self, timeout_s: float, ends_at: dict[int, int]) -> int:
        """Take what is there, and return how much that was."""
        messages = self._reader.consume(_MOST, timeout_s)
        for message in messages:
            if not is_end(message, ends_at) and holds_record(message):
                self._take(cast("Fetched", message))
        return len(messages)

    def _take(self, message: Fetched) -> None:
        value = message.value()
        try:
            key = (message.key() or b"").decode()
            if value is None:
                self._records.pop(key, None)
            else:
                self._records[key] = self._decode(value)
        except (Undecodable, UnicodeDecodeError) as error:  # what nobody can read changes nothing
            _log.warning("%s offset %s: %s", self._topic, message.offset(), error)
