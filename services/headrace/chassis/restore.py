"""Reading a service's state back from its changelog."""

import struct
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any, Protocol, TypeVar

from headrace.chassis.batch import Fetched
from headrace.chassis.clients import Clients
from headrace.chassis.reading import read_to_end
from headrace.chassis.state import Change, KeyedState
from headrace.contracts.codec import Undecodable
from headrace.errors import HeadraceError

V = TypeVar("V")
Offsets = tuple[int, ...]
"""Of a partition, one for each input."""
NEVER_COMMITTED = -1
_FORGOTTEN: Mapping[str, Any] = {"input": 0, "offset": NEVER_COMMITTED, "body": None}


class Contradiction(HeadraceError):
    """The changelog reflects input that, by the committed offsets given, is not done yet."""


class Restores(Protocol):
    """Restores partitions of a state (see :class:`Restorer`)."""

    def restore(
        self,
        state: KeyedState[V],
        committed: Mapping[int, Offsets],
        go_on: Callable[[], bool],
        timeout_s: float,
    ) -> bool:
        """Read what the partitions' state is."""


class _Nothing:
    def restore(self, *_: object) -> bool:
        """Do nothing: there is no state."""
        return True


NOTHING: Restores = _Nothing()
"""For a stream without a changelog."""


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
        committed: Mapping[int, Offsets],
        go_on: Callable[[], bool],
        timeout_s: float,
    ) -> bool:
        """Read every changelog entry of the partitions into the state.

        Parameters
        ----------
        committed
            The stable committed offset of each partition's inputs, ``NEVER_COMMITTED`` where there
            is none. They must have been fetched before this call: the end is looked up after it.
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
        with closing(
            read_to_end(self._clients, self._topic, list(committed), timeout_s)
        ) as batches:
            for messages in batches:
                if not go_on():
                    return False
                for message in messages:
                    version, forgets = state.layout.version, state.layout.forgets
                    source, change = self._change(message, version, forgets=forgets)
                    if change.body is not None:
                        self._check(change, committed[change.partition][source])
                    self._apply(state, change)
        return True

    def _apply(self, state: KeyedState[V], change: Change) -> None:
        try:
            state.restore(change)
        except (struct.error, ValueError) as error:
            raise HeadraceError(
                f"{self._topic} partition {change.partition} holds a change of {change.key} that "
                f"is none of format {state.layout.version}: {error}",
                fix="Somebody else has written to the changelog: only the service may.",
            ) from error

    def _change(self, message: Fetched, version: int, *, forgets: bool) -> tuple[int, Change]:
        """Return which of the inputs has caused a change, and the change."""
        value = message.value()
        is_forgotten = value is None and forgets
        try:
            entry = {**_FORGOTTEN, "format": version} if is_forgotten else self._decode(value)
            key, _, slot = (message.key() or b"").decode().rpartition("#")
            number = int(slot)
        except (Undecodable, ValueError) as error:
            raise HeadraceError(
                f"{self._topic} partition {message.partition()} holds something at offset "
                f"{message.offset()} that is no state: {error}",
                fix="Somebody else has written to the changelog: only the service may.",
            ) from error
        if entry["format"] != version:
            raise HeadraceError(
                f"{self._topic} holds state of format {entry['format']}, this version reads "
                f"format {version}.",
                fix="Run the version that wrote it; CHANGELOG.md says what a newer one needs.",
            )
        change = Change(message.partition(), key, number, entry["offset"], entry["body"])
        return entry["input"], change

    def _check(self, change: Change, committed: int) -> None:
        where = f"{self._topic} partition {change.partition}"
        if committed == NEVER_COMMITTED:
            raise Contradiction(
                f"{where} holds state, but its consumer group has no committed offset, so it is "
                "not known which events have been decided.",
                fix="Set the group's offsets to where it stood; or, to decide everything again, "
                "delete the changelog, the decisions and the audits together.",
            )
        if change.offset >= committed:
            raise Contradiction(
                f"{where} reflects input offset {change.offset}, at or past the committed offset "
                f"{committed}.",
                fix="The group's offsets were moved back: set them to where they stood.",
            )
