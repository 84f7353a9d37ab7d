"""Which topics a stream stands on, and how their records are read and written."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from headrace.contracts.batch_encoding import Column


class Encode(Protocol):
    """Turns records into bytes (see :class:`headrace.contracts.codec.Encoder`)."""

    def __call__(self, record: Mapping[str, Any]) -> bytes:
        """Encode one record."""

    def batch(self, same: Mapping[str, Any], columns: Mapping[str, Column]) -> list[bytes]:
        """Encode records some of whose fields are the same for all."""


class Channel(NamedTuple):
    """A topic with its codec."""

    topic: str
    encode: Encode
    decode: Callable[[bytes | None], dict[str, Any]]


class Input(NamedTuple):
    """A topic that is read, and where what is given up of it goes."""

    channel: Channel
    dead_letters: Channel | None
    """None where it is only watched, and another service answers for it: a value that cannot
    be decoded is handled unread, and what the handler fails on is passed over."""


class Topology(NamedTuple):
    """The channels of one service."""

    service: str
    group: str
    inputs: Sequence[Input]
    """Partition n of each belongs to partition n of the state."""
    changelog: Channel | None
    """None where there is no state."""
    pauses: Channel
    heartbeats: Channel | None = None
    """Where signs of life go, by which others know that it works."""
