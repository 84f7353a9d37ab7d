import io
import random
from typing import Any

import pytest
from fastavro import parse_schema, schemaless_writer

from headrace.verification.decoding import RecordReader, Unreadable

SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "Paid",
    "namespace": "test",
    "fields": [
        {"name": "event_id", "type": "string", "doc": "Which."},
        {"name": "at_ms", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    ],
}
WIDER = SCHEMA | {
    "fields": [*SCHEMA["fields"], {"name": "note", "type": ["null", "string"], "default": None}]
}
OTHER = SCHEMA | {"name": "Refunded"}
REGISTERED = {1: SCHEMA, 2: WIDER, 3: OTHER}
RECORD = {"event_id": "a", "at_ms": 1_522_540_800_000}
LIMIT = 1_000


def framed(schema_id: int, record: dict[str, Any], schema: dict[str, Any] | None = None) -> bytes:
    body = io.BytesIO()
    plain = [{"name": f["name"], "type": _plain(f["type"])} for f in (schema or SCHEMA)["fields"]]
    schemaless_writer(body, parse_schema(SCHEMA | {"fields": plain}), record)
    return b"\0" + schema_id.to_bytes(4) + body.getvalue()


def _plain(kind: Any) -> Any:
    return "long" if isinstance(kind, dict) else kind


@pytest.fixture
def asked() -> list[int]:
    return []


@pytest.fixture
def reader(asked: list[int]) -> RecordReader:
    def writer(schema_id: int) -> dict[str, Any]:
        asked.append(schema_id)
        return REGISTERED[schema_id]

    return RecordReader(SCHEMA, writer, LIMIT)


def test_a_record_is_read_with_its_times_as_numbers(reader: RecordReader) -> None:
    assert reader(framed(1, RECORD)) == RECORD


def test_the_registry_is_asked_once_for_each_schema(reader: RecordReader, asked: list[int]) -> None:
    for _ in range(3):
        reader(framed(1, RECORD))
        reader(framed(2, RECORD | {"note": "x"}, WIDER))
    assert asked == [1, 2]


def test_a_record_of_another_version_is_read_as_ours(reader: RecordReader) -> None:
    assert reader(framed(2, RECORD | {"note": "x"}, WIDER)) == RECORD


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "no value"),
        (b"", "framing"),
        (b"\1\0\0\0\1", "framing"),
        (framed(9, RECORD), "schema id 9 is unknown"),
        (framed(3, RECORD), "is a test.Refunded"),
        (framed(1, RECORD)[:-1], "Error: "),
        (framed(1, RECORD) + b"\0", "1 bytes after"),
        (framed(1, RECORD | {"event_id": "x" * LIMIT}), "at most 1000"),
        (b"\0\0\0\0\1" + b"\xff" * 9 + b"\x01", "bytes"),
    ],
)
def test_what_is_no_such_record_is_unreadable_and_says_why(
    value: bytes | None, says: str, reader: RecordReader
) -> None:
    with pytest.raises(Unreadable, match=says):
        reader(value)


def test_mutated_bytes_are_read_or_unreadable_and_nothing_else(reader: RecordReader) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    for _ in range(20_000):
        value = bytearray(framed(1, RECORD))
        for _ in range(chance.randrange(1, 4)):
            value[chance.randrange(len(value))] ^= 1 << chance.randrange(8)
        try:
            reader(bytes(value[: chance.randrange(len(value) + 1)]))
        except Unreadable:
            continue
