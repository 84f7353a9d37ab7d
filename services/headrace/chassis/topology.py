"""Which topics a stream stands on, and how their records are read and written."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Channel(NamedTuple):
    """A topic with its codec."""

    topic: str
    encode: Callable[[Mapping[str, Any]], bytes]
    decode: Callable[[bytes | None], dict[str, Any]]


class Topology(NamedTuple):
    """The channels of one service."""

    service: str
    group: str
    source: Channel
    dead_letters: Channel
    changelog: Channel
    pauses: Channel
