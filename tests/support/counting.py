"""A stream small enough to reason about: it counts the records of each key."""

import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from headrace.chassis.records import Handled, Outgoing, Received, Rejected
from headrace.chassis.stages import StageClock
from headrace.chassis.state import View
from headrace.chassis.topology import Channel, Input, Topology
from headrace.contracts.codec import Undecodable

_COUNT = struct.Struct(">q")


@dataclass
class Count:
    """How many records of a key there were."""

    n: int = 0


class CountFormat:
    """One slot for each key: the latest count."""

    version = 1
    forgets = True

    def empty(self, key: str) -> Count:
        return Count()

    def copy(self, value: Count) -> Count:
        return Count(value.n)

    def apply(self, value: Count, slot: int, body: bytes) -> None:
        assert slot == 0
        value.n = max(value.n, *_COUNT.unpack(body))


class CountingHandler:
    """A handler: says of each record which one of its key it is.

    A record ``{"poison": true}`` makes it raise; ``{"reject": true}`` is rejected.
    """

    def __init__(self, outputs: str) -> None:
        self._outputs = outputs

    def __call__(
        self, received: Sequence[Received], view: View[Count], stages: StageClock
    ) -> Handled:
        handled = Handled([], [], Counter())
        for each in received:
            if each.record.get("poison"):
                raise ValueError("poison")
            if each.record.get("reject"):
                handled.rejected.append(Rejected(each, "invalid_value", "asked to"))
                continue
            count = view.get(each.partition, each.key)
            count.n += 1
            view.change(each.partition, each.key, 0, each.offset, _COUNT.pack(count.n))
            said = {"partition": each.partition, "offset": each.offset, "n": count.n}
            handled.outgoing.append(Outgoing(self._outputs, [each.key], [orjson.dumps(said)]))
        return handled


def json_channel(topic: str) -> Channel:
    """A channel that writes JSON: enough for what the chassis does with records."""
    return Channel(topic, _JsonEncode(), _decode)


def counting_topology(name: str) -> Topology:
    """The topics of a counting stream; its outputs go to ``<name>.outputs``."""
    return Topology(
        service="counting",
        group=f"{name}.counting",
        inputs=[Input(json_channel(f"{name}.inputs"), json_channel(f"{name}.inputs.dlq"))],
        changelog=json_channel(f"{name}.changelog"),
        pauses=json_channel(f"{name}.pauses"),
    )


class _JsonEncode:
    def __call__(self, record: Mapping[str, Any]) -> bytes:
        return orjson.dumps(record, default=lambda value: {"hex": value.hex()})

    def batch(self, same: Mapping[str, Any], columns: Mapping[str, Any]) -> list[bytes]:
        rows = zip(*columns.values(), strict=True)
        return [self({**same, **dict(zip(columns, row, strict=True))}) for row in rows]


def _decode(value: bytes | None) -> dict[str, Any]:
    if value is None:
        raise Undecodable("null_value", "no value")
    try:
        record = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise Undecodable("undecodable", str(error)) from error
    return {name: _plain(field) for name, field in record.items()}


def _plain(field: Any) -> Any:
    return bytes.fromhex(field["hex"]) if isinstance(field, dict) and "hex" in field else field
