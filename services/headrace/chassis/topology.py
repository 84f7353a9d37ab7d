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
    dead_letters: Channel


class Topology(NamedTuple):
    """The channels of one service."""

    service: str
    group: str
    inputs: Sequence[Input]
    """Partition n of each belongs to partition n of the state."""
    changelog: Channel
    pauses: Channel
    heartbeats: Channel | None = None
    """Where signs of life go, by which others know that it works."""
