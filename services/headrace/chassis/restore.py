"""Reading a service's state back from its changelog."""

import logging
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, TypeVar, cast

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]  # public, but not in __all__

from headrace.chassis.batch import Fetched
from headrace.chassis.clients import Clients
from headrace.chassis.state import Change, KeyedState
from headrace.errors import HeadraceError

_log = logging.getLogger("headrace.restore")

V = TypeVar("V")
NEVER_COMMITTED = -1


def ends(clients: Clients, topic: str, partitions: list[int], timeout_s: float) -> dict[int, int]:
    """Return the high watermark of each partition, open transactions included.

    A read_committed consumer's own end stops at the first open transaction, and so may miss what
    that transaction's fate decides.
    """
    asked = {TopicPartition(topic, partition): OffsetSpec.latest() for partition in partitions}  # type: ignore[no-untyped-call]  # its own lack
    admin = clients.admin()  # held by name: its answers die with it
    answers = admin.list_offsets(
        asked, isolation_level=IsolationLevel.READ_UNCOMMITTED, request_timeout=timeout_s
    )
    return {at.partition: answer.result().offset for at, answer in answers.items()}


class Restorer:
    """Restores partitions of a state.

    Parameters
    ----------
    decode
        Decodes a changelog record's value (``platform/StateChanged``).
    """

    def __init__(
        self, clients: Clients, topic: str, decode: Callable[[bytes | None], dict[str, Any]]
    ) -> None:
        self._clients = clients
        self._topic = topic
        self._decode = decode

    def restore(
        self,
        state: KeyedState[V],
        committed: Mapping[int, int],
        go_on: Callable[[], bool],
        timeout_s: float,
    ) -> bool:
        """Read every changelog entry of the partitions into the state.

        Parameters
        ----------
        committed
            The stable committed input offset of each partition, ``NEVER_COMMITTED`` where there
            is none. It must have been fetched before this call: the end is looked up after it.
        go_on
            Called every now and then; False abandons the restore (the partitions were lost).
        timeout_s
            How long an open transaction, or the broker's silence, is waited for.

        Returns
        -------
        False where it was abandoned; the state is then of no use.

        Raises
        ------
        HeadraceError
            An entry reflects input at or past the committed offset, or is of another format.
        """
        missing = ends(self._clients, self._topic, list(committed), timeout_s)
        reader = self._clients.reader()
        try:
            reader.assign([TopicPartition(self._topic, p, OFFSET_BEGINNING) for p in missing])
            return self._read(reader, state, committed, missing, go_on, timeout_s)
        finally:
            reader.close()

    def _read(
        self,
        reader: Consumer,
        state: KeyedState[V],
        committed: Mapping[int, int],
        missing: dict[int, int],
        go_on: Callable[[], bool],
        timeout_s: float,
    ) -> bool:
        until = monotonic() + timeout_s
        while missing:
            if not go_on():
                return False
            messages = reader.consume(5_000, 0.1)
            for message in messages:
                self._take(message, state, committed, missing)
            if messages:
                until = monotonic() + timeout_s
            elif monotonic() > until:
                raise HeadraceError(
                    f"{self._topic}: partitions {sorted(missing)} could not be read to their end.",
                    fix="Look for a transaction that stays open, or a broker that is away.",
                )
        return True

    def _take(
        self,
        message: Message,
        state: KeyedState[V],
        committed: Mapping[int, int],
        missing: dict[int, int],
    ) -> None:
        error = message.error()
        if error is None:
            change = self._change(cast("Fetched", message), state.layout.version)
            self._check(change, committed[change.partition])
            state.restore(change)
            return
        if error.code() != KafkaError._PARTITION_EOF:
            if error.retriable() or error.code() == KafkaError._TRANSPORT:
                return
            raise KafkaException(error)
        # Markers of transactions take offsets too, so only the end itself tells that it is reached.
        partition, offset = message.partition(), message.offset() or 0
        if partition in missing and offset >= missing[partition]:
            del missing[partition]

    def _change(self, message: Fetched, version: int) -> Change:
        entry = self._decode(message.value())
        if entry["format"] != version:
            raise HeadraceError(
                f"{self._topic} holds state of format {entry['format']}, this version reads "
                f"format {version}.",
                fix="Run the version that wrote it, or migrate the changelog.",
            )
        key, _, slot = (message.key() or b"").decode().rpartition("#")
        return Change(message.partition(), key, int(slot), entry["offset"], entry["body"])

    def _check(self, change: Change, committed: int) -> None:
        where = f"{self._topic} partition {change.partition}"
        if committed == NEVER_COMMITTED:
            raise HeadraceError(
                f"{where} holds state, but its consumer group has no committed offset, so it is "
                "not known which events have been decided.",
                fix="Set the group's offsets to where it stood; or, to decide everything again, "
                "delete the changelog, the decisions and the audits together.",
            )
        if change.offset >= committed:
            raise HeadraceError(
                f"{where} reflects input offset {change.offset}, at or past the committed offset "
                f"{committed}.",
                fix="The group's offsets were moved back: set them to where they stood.",
            )
