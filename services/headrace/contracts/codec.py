"""Avro records in Confluent's framing: a zero byte, the schema's id, the Avro body.

Both directions are on the hot path, so whatever can be done once for a schema is done once.
Logical types are left out: times stay plain integers.
"""

import struct
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any, Final, cast

import fastavro
from fastavro.schema import to_parsing_canonical_form
from fastavro.validation import validate

from headrace.contracts.avro import bounded, full_name, without_logical_types
from headrace.contracts.encoding import NotCompiled, compiled_writer
from headrace.contracts.reasons import DeadLetterReason

FRAMING: Final = struct.Struct(">BI")
MAGIC: Final = 0
MAX_DETAIL_CHARS: Final = 300

Schema = dict[str, Any]


class Undecodable(Exception):
    """The bytes are not a record: ``reason`` for machines, ``detail`` for people."""

    def __init__(self, reason: DeadLetterReason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: DeadLetterReason = reason
        self.detail = detail[:MAX_DETAIL_CHARS]


class Encoder:
    """Turns records of one schema into bytes.

    Parameters
    ----------
    schema
        The record's schema as plain JSON.
    schema_id
        Its id in the registry.
    """

    __slots__ = ("_schema", "_write")

    def __init__(self, schema: Schema, schema_id: int) -> None:
        self._schema = _parsed(schema)
        framing = FRAMING.pack(MAGIC, schema_id)
        try:
            self._write = compiled_writer(self._schema, framing)
        except NotCompiled:
            self._write = self._general_writer(framing)

    def __call__(self, record: Mapping[str, Any]) -> bytes:
        """Encode one record, which has every field of the schema and no other.

        Raises
        ------
        TypeError, ValueError
            A field is missing, unknown, or holds what its type cannot hold.
        """
        try:
            return self._write(record)
        except Exception as error:  # a value of any type raises nearly anything
            validate(record, self._schema, strict=True)  # raises a ValueError that names the field
            raise TypeError(f"a field does not fit its type: {error}") from error

    def _general_writer(self, framing: bytes) -> Callable[[Mapping[str, Any]], bytes]:
        def write(record: Mapping[str, Any]) -> bytes:
            validate(record, self._schema, strict=True)
            buffer = BytesIO()
            buffer.write(framing)
            fastavro.schemaless_writer(buffer, self._schema, record, strict=True)
            return buffer.getvalue()

        return write


class Decoder:
    """Turns bytes that anybody may have sent into records of one schema.

    Parameters
    ----------
    schema
        The reader's schema as plain JSON.
    writer
        Finds the schema that an id stands for; raises `KeyError` when there is none. Any other
        error (an unreachable registry) passes through: it is not the record's fault.
    max_bytes
        Longest value that is looked at.
    """

    def __init__(self, schema: Schema, writer: Callable[[int], Schema], max_bytes: int) -> None:
        self._reader = _parsed(schema)
        self._name = full_name(schema)
        self._canonical = to_parsing_canonical_form(self._reader)
        self._writer = writer
        self._max_bytes = max_bytes
        self._pairs: dict[int, _Pair] = {}

    def __call__(self, value: bytes | None) -> dict[str, Any]:
        """Decode one value.

        Raises
        ------
        Undecodable
            For every defect of the bytes, whatever they are.
        """
        if value is None:
            raise Undecodable("null_value", "the record has no value")
        if len(value) > self._max_bytes:
            raise Undecodable("too_large", f"{len(value)} bytes, at most {self._max_bytes}")
        schema_id = _schema_id(value)
        pair = self._pairs.get(schema_id) or self._pair(schema_id)
        return self._body(value, *pair)

    @staticmethod
    def _body(value: bytes, written: Any, reader: Any) -> dict[str, Any]:
        buffer = BytesIO(value)
        buffer.seek(FRAMING.size)
        try:
            record = fastavro.schemaless_reader(buffer, written, reader)
        except Exception as error:  # hostile bytes raise nearly anything in fastavro
            raise Undecodable("undecodable", f"{type(error).__name__}: {error}") from error
        if buffer.tell() != len(value):
            raise Undecodable("trailing_bytes", f"{len(value) - buffer.tell()} bytes are left over")
        return cast("dict[str, Any]", record)

    def _pair(self, schema_id: int) -> "_Pair":
        pair = self._resolve(schema_id, _written_with(self._writer, schema_id))
        self._pairs[schema_id] = pair
        return pair

    def _resolve(self, schema_id: int, schema: Schema) -> "_Pair":
        """Return what fastavro needs for one writer; only one schema where both are the same."""
        if full_name(schema) != self._name:
            detail = f"schema {schema_id} is {full_name(schema) or 'no record'}, not {self._name}"
            raise Undecodable("unknown_schema", detail)
        try:
            bounded(schema)
            written = _parsed(schema)
            same = to_parsing_canonical_form(written) == self._canonical
        except Exception as error:  # a foreign schema raises nearly anything
            detail = f"schema {schema_id} is refused: {error}"
            raise Undecodable("unknown_schema", detail) from error
        return (written, None) if same else (written, self._reader)


class AnyDecoder:
    """Turns bytes of any record into a dict, by the schema that the bytes name.

    For tools that show what is there; a service reads with the schema it was made for.
    """

    def __init__(self, writer: Callable[[int], Schema], max_bytes: int) -> None:
        self._writer = writer
        self._max_bytes = max_bytes
        self._decoders: dict[int, Decoder] = {}

    def __call__(self, value: bytes | None) -> dict[str, Any]:
        """Decode one value; raises as `Decoder` does."""
        if value is None:
            raise Undecodable("null_value", "the record has no value")
        schema_id = _schema_id(value)
        decoder = self._decoders.get(schema_id)
        if decoder is None:
            decoder = self._decoder(schema_id)
            self._decoders[schema_id] = decoder
        return decoder(value)

    def _decoder(self, schema_id: int) -> Decoder:
        schema = _written_with(self._writer, schema_id)
        try:
            bounded(schema)
            return Decoder(schema, self._writer, self._max_bytes)
        except Exception as error:  # a foreign schema raises nearly anything
            detail = f"schema {schema_id} is refused: {error}"
            raise Undecodable("unknown_schema", detail) from error


_Pair = tuple[Any, Any]


def _parsed(schema: Schema) -> Schema:
    return cast("Schema", fastavro.parse_schema(without_logical_types(schema)))


def _schema_id(value: bytes) -> int:
    if len(value) < FRAMING.size:
        raise Undecodable("bad_framing", f"{len(value)} bytes are too short for a schema id")
    magic, schema_id = FRAMING.unpack_from(value)
    if magic != MAGIC:
        raise Undecodable("bad_framing", f"the first byte is {magic}, not {MAGIC}")
    return int(schema_id)


def _written_with(writer: Callable[[int], Schema], schema_id: int) -> Schema:
    try:
        return writer(schema_id)
    except KeyError:
        raise Undecodable("unknown_schema", f"no schema has the id {schema_id}") from None
