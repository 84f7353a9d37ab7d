"""Records of topics as tests write them: what a broker would hand over, with the value as JSON."""

import json
from collections import Counter
from typing import Any, NamedTuple

from headrace.backtesting.history import readable
from headrace.chassis.records import Received
from headrace.contracts.codec import Undecodable


class Message(NamedTuple):
    """A record in its topic."""

    at: tuple[int, int]
    written_key: bytes | None
    written: bytes | None

    def topic(self) -> str:
        return "topic"

    def partition(self) -> int:
        return self.at[0]

    def offset(self) -> int:
        return self.at[1]

    def key(self) -> bytes | None:
        return self.written_key

    def value(self) -> bytes | None:
        return self.written

    def headers(self) -> None:
        return None

    def timestamp(self) -> tuple[int, int]:
        return 1, -1


def message(record: Any, key: str, partition: int = 0, offset: int = 0) -> Message:
    """A record that can be read."""
    return Message((partition, offset), key.encode(), json.dumps(record).encode())


def decode(value: bytes | None) -> dict[str, Any]:
    """Read a value."""
    if value is None:
        raise Undecodable("null_value", "there is none")
    try:
        decoded: dict[str, Any] = json.loads(value)
    except ValueError as error:
        raise Undecodable("undecodable", str(error)) from error
    return decoded


def received(*messages: Message) -> list[Received]:
    """What is read of messages that can all be read."""
    left_out = Counter[str]()
    found = [*readable(messages, decode, left_out)]
    assert not left_out
    return found
