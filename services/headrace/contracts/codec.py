"""Avro records in Confluent's framing: a zero byte, the schema's id, the Avro body.

Both directions are on the hot path, so whatever can be done once for a schema is done once.
Logical types are left out: times stay plain integers.
"""

import copy
import struct
from collections.abc import Callable, Collection, Mapping
from functools import partial
from io import BytesIO
from typing import Any, Final, cast

import fastavro
from fastavro.schema import to_parsing_canonical_form
from fastavro.validation import ValidationError, validate

from headrace.contracts.avro import (
    bounded,
    full_name,
    has_mutable_default,
    without_logical_types,
)
from headrace.contracts.batch_encoding import BatchWriter, Column
from headrace.contracts.decoding import Reader, record_reader
from headrace.contracts.encoding import NotCompiled, record_writer
from headrace.contracts.reasons import DeadLetterReason
from headrace.contracts.varint import Source

FRAMING: Final = struct.Struct(">BI")
MAGIC: Final = 0
MAX_DETAIL_CHARS: Final = 300

Schema = dict[str, Any]
WriteBatch = Callable[[Mapping[str, Any], Mapping[str, Column]], list[bytes]]


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

    __slots__ = ("_schema", "_write", "_write_batch")

    def __init__(self, schema: Schema, schema_id: int) -> None:
        self._schema = _parsed(schema)
        framing = FRAMING.pack(MAGIC, schema_id)
        types = [field["type"] for field in self._schema["fields"]]
        try:
            writer = record_writer(self._schema)
            self._write: Callable[[Mapping[str, Any]], bytes] = partial(writer.encode, framing)
            self._write_batch: WriteBatch = BatchWriter(writer, types, framing).write
        except NotCompiled:
            self._write = self._general_writer(framing)
            self._write_batch = self._one_by_one

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
            self._validate(record)  # names the field
            raise TypeError(f"a field does not fit its type: {error}") from error

    def batch(self, same: Mapping[str, Any], columns: Mapping[str, Column]) -> list[bytes]:
        """Encode records some of whose fields are the same for all.

        Parameters
        ----------
        same
            Those fields, by name.
        columns
            The values of the others, record by record; all of one length, at least one.

        Raises
        ------
        TypeError, ValueError
            A field is missing, unknown, twice there, or holds what its type cannot hold.
        """
        try:
            return self._write_batch(same, columns)
        except Exception as error:  # a value of any type raises nearly anything
            self._one_by_one(same, columns)  # names the field
            raise TypeError(f"a field does not fit its type: {error}") from error

    def _one_by_one(self, same: Mapping[str, Any], columns: Mapping[str, Column]) -> list[bytes]:
        if twice := sorted(set(same) & set(columns)):
            raise ValueError(f"fields are both the same for all and not: {', '.join(twice)}")
        if not columns:
            raise ValueError("at least one field must differ, or nobody knows how many there are")
        rows = zip(*columns.values(), strict=True)
        return [self({**same, **dict(zip(columns, row, strict=True))}) for row in rows]

    def _validate(self, record: Mapping[str, Any]) -> None:
        names = {field["name"] for field in self._schema["fields"]}
        if missing := sorted(names - set(record)):
            raise ValueError(f"fields are missing: {', '.join(missing)}")
        if unknown := sorted(set(record) - names):
            raise ValueError(f"the schema has no fields {', '.join(unknown)}")
        try:
            validate(record, self._schema, strict=True)
        except ValidationError as error:
            raise ValueError("; ".join(map(str, error.errors))) from None

    def _general_writer(self, framing: bytes) -> Callable[[Mapping[str, Any]], bytes]:
        def write(record: Mapping[str, Any]) -> bytes:
            self._validate(record)
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
    kept
        The fields that are wanted, which takes less time; all without it. What is undecodable does
        not depend on it.
    """

    def __init__(
        self,
        schema: Schema,
        writer: Callable[[int], Schema],
        max_bytes: int,
        kept: Collection[str] | None = None,
    ) -> None:
        self._schema = _parsed(schema)
        self._name = full_name(schema)
        self._canonical = to_parsing_canonical_form(self._schema)
        self._writer = writer
        self._max_bytes = max_bytes
        self._kept = kept
        self._readers: dict[bytes, Reader] = {}  # by framing

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
        framing = value[: FRAMING.size]
        reader = self._readers.get(framing) or self._reader(framing)
        source = Source(value, FRAMING.size)
        try:
            record: dict[str, Any] = reader.read(source)
        except Exception as error:  # hostile bytes raise nearly anything
            raise Undecodable("undecodable", f"{type(error).__name__}: {error}") from error
        if source.at != len(value):
            raise Undecodable("trailing_bytes", f"{len(value) - source.at} bytes are left over")
        return record

    def _reader(self, framing: bytes) -> Reader:
        """Return what reads the bytes of one writer, made once."""
        schema_id = _schema_id(framing)
        schema = _written_with(self._writer, schema_id)
        if full_name(schema) != self._name:
            detail = f"schema {schema_id} is {full_name(schema) or 'no record'}, not {self._name}"
            raise Undecodable("unknown_schema", detail)
        try:
            bounded(schema)
            reader = self._reader_of(_parsed(schema))
        except Exception as error:  # a foreign schema raises nearly anything
            detail = f"schema {schema_id} is refused: {error}"
            raise Undecodable("unknown_schema", detail) from error
        self._readers[framing] = reader
        return reader

    def _reader_of(self, written: Schema) -> Reader:
        """Return the fast reader where writer and reader are the same, else fastavro's."""
        if to_parsing_canonical_form(written) != self._canonical:
            return _GeneralReader(written, self._schema, self._kept)
        try:
            return record_reader(written, self._kept)
        except NotCompiled:
            return _GeneralReader(written, None, self._kept)


class _GeneralReader(Reader):
    """Reads as fastavro does, what was written with any schema.

    Parameters
    ----------
    schema
        What it is read as; None: as it was written.
    """

    def __init__(
        self, written: Schema, schema: Schema | None, kept: Collection[str] | None
    ) -> None:
        self._written = written
        self._schema = schema
        self._kept = kept
        # fastavro puts one and the same default object into every record.
        self._is_shared = schema is not None and has_mutable_default(schema)

    def read(self, source: Source) -> dict[str, Any]:
        buffer = BytesIO(source.data)
        buffer.seek(source.at)
        record = cast(
            "dict[str, Any]", fastavro.schemaless_reader(buffer, self._written, self._schema)
        )
        source.at = buffer.tell()
        kept = self._kept
        if kept is not None:
            record = {name: value for name, value in record.items() if name in kept}
        return copy.deepcopy(record) if self._is_shared else record


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
