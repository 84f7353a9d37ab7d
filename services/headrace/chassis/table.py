"""A topic of one partition beside a stream: followed record by record, or as a mapping."""

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


class Tail:
    """Takes the records of a topic with one partition, in their order.

    It is read to its end when it is opened, and goes on only in :meth:`refresh`: while a batch is
    handled nothing is taken.

    Parameters
    ----------
    decode
        Decodes a record's value.
    take
        Takes a record's key and what it says; None where it takes the key away. A ``ValueError``
        says that the key is none.
    """

    def __init__(
        self,
        clients: Clients,
        topic: str,
        decode: Callable[[bytes | None], dict[str, Any]],
        take: Callable[[str, Mapping[str, Any] | None], None],
    ) -> None:
        self._clients = clients
        self._topic = topic
        self._decode = decode
        self._take = take
        self._reader = clients.reader()

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

    def close(self) -> None:
        """End the reading."""
        self._reader.close()

    def _read(self, timeout_s: float, ends_at: dict[int, int]) -> int:
        """Take what is there, and return how much that was."""
        messages = self._reader.consume(_MOST, timeout_s)
        for message in messages:
            if not is_end(message, ends_at) and holds_record(message):
                self._read_one(cast("Fetched", message))
        return len(messages)

    def _read_one(self, message: Fetched) -> None:
        value = message.value()
        try:
            key = (message.key() or b"").decode()
            record = None if value is None else self._decode(value)
            self._give(key, record, message.timestamp()[1])
        except (Undecodable, ValueError) as error:  # what nobody can read changes nothing
            _log.warning("%s offset %s: %s", self._topic, message.offset(), error)

    def _give(self, key: str, record: Mapping[str, Any] | None, _written_ms: int) -> None:
        self._take(key, record)


class DatedTail(Tail):
    """A tail that says of each record when it was written.

    Parameters
    ----------
    take
        Takes a record's key, what it says, and Kafka's timestamp of it, in milliseconds.
    """

    def __init__(
        self,
        clients: Clients,
        topic: str,
        decode: Callable[[bytes | None], dict[str, Any]],
        take: Callable[[str, Mapping[str, Any] | None, int], None],
    ) -> None:
        super().__init__(clients, topic, decode, lambda *_: None)
        self._take_dated = take

    def _give(self, key: str, record: Mapping[str, Any] | None, written_ms: int) -> None:
        self._take_dated(key, record, written_ms)


class Table(Tail):
    """The latest record of each key of a topic with one partition.

    Parameters
    ----------
    decode
        Decodes a record's value.
    """

    def __init__(
        self, clients: Clients, topic: str, decode: Callable[[bytes | None], dict[str, Any]]
    ) -> None:
        super().__init__(clients, topic, decode, self._hold)
        self._records: dict[str, Mapping[str, Any]] = {}
        self.records: Mapping[str, Mapping[str, Any]] = MappingProxyType(self._records)
        """By key, as it was last read."""

    def expect(self, key: str, record: Mapping[str, Any]) -> None:
        """Hold a record that was committed to the topic, and will be read."""
        self._records[key] = record

    def _hold(self, key: str, record: Mapping[str, Any] | None) -> None:
        if record is None:
            self._records.pop(key, None)
        else:
            self._records[key] = record
