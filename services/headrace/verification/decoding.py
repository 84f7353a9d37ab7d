"""Confluent's framing and Avro, read by this module alone and by fastavro."""

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any, cast

from fastavro import parse_schema, schemaless_reader
from fastavro.types import Schema

from headrace.contracts.avro import bounded

_HEADER_BYTES = 5  # a zero, and the schema's id in four bytes, big-endian


class Unreadable(Exception):
    """The value is no record of the expected kind; the text says why."""


class RecordReader:
    """Decodes the values of one topic; logical types are left as the numbers that they are.

    Parameters
    ----------
    schema
        The schema whose records are expected.
    writer
        Returns the schema of an id; raises KeyError for an unknown one.
    max_bytes
        Longest value that counts as readable.
    """

    def __init__(
        self, schema: Mapping[str, Any], writer: Callable[[int], Mapping[str, Any]], max_bytes: int
    ) -> None:
        self._plain = _without_logical_types(schema)
        self._parsed = parse_schema(self._plain)
        self._writer = writer
        self._max_bytes = max_bytes
        # By the whole header, so that a record's way to its schema is one look-up.
        self._by_header: dict[bytes, tuple[Schema, Schema | None]] = {}

    def __call__(self, value: bytes | None) -> dict[str, Any]:
        """Return the record.

        Raises
        ------
        Unreadable
            It is none.
        """
        if value is None:
            raise Unreadable("no value")
        if len(value) > self._max_bytes:
            raise Unreadable(f"{len(value)} bytes, at most {self._max_bytes} are allowed")
        schemas = self._by_header.get(value[:_HEADER_BYTES]) or self._look_up(value)
        body = BytesIO(value)
        body.seek(_HEADER_BYTES)
        try:
            # A record's schema, so the record is a dict.
            record = cast("dict[str, Any]", schemaless_reader(body, *schemas))
        except Exception as error:  # whatever hostile bytes cause, it means the same
            raise Unreadable(f"{type(error).__name__}: {error}") from error
        if body.tell() != len(value):
            raise Unreadable(f"{len(value) - body.tell()} bytes after the record")
        return record

    def _look_up(self, value: bytes) -> tuple[Schema, Schema | None]:
        header = value[:_HEADER_BYTES]
        if len(header) < _HEADER_BYTES or header[0] != 0:
            raise Unreadable("not in Confluent's framing")
        schema_id = int.from_bytes(header[1:])
        try:
            written = _without_logical_types(self._writer(schema_id))
        except KeyError:
            raise Unreadable(f"schema id {schema_id} is unknown") from None
        if _full_name(written) != _full_name(self._plain):
            raise Unreadable(f"schema id {schema_id} is a {_full_name(written)}")
        self._by_header[header] = schemas = self._resolved(written, schema_id)
        return schemas

    def _resolved(self, written: Schema, schema_id: int) -> tuple[Schema, Schema | None]:
        """Return both schemas, or one alone where they are the same, which is faster."""
        if written == self._plain:
            return self._parsed, None
        try:
            bounded(written)
            return parse_schema(written), self._parsed
        except Exception as error:  # a foreign schema raises nearly anything
            raise Unreadable(f"schema id {schema_id} is refused: {error}") from error


def _full_name(schema: Any) -> str:
    if not isinstance(schema, dict):
        return str(schema)
    name = str(schema.get("name", schema.get("type", "")))
    return name if "." in name else f"{schema.get('namespace', '')}.{name}".lstrip(".")


def _without_logical_types(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {
            name: _without_logical_types(value)
            for name, value in node.items()
            if name not in ("logicalType", "doc")
        }
    if isinstance(node, list):
        return [_without_logical_types(value) for value in node]
    return node
