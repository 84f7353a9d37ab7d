"""Reads a record's Avro bytes by a tree of readers, one for each part of its schema.

Stricter with damaged bytes than fastavro's general reader: a boolean that is neither 0 nor 1, a
branch of a union that there is not, an integer that is too large. Nothing is allocated that the
bytes do not hold. And faster (``bench/codec.py`` says by how much). Property tests hold what it
reads to what fastavro wrote.
"""

from collections.abc import Collection
from typing import Any, Final

from librt.strings import read_f64_le
from mypy_extensions import i64

from headrace.contracts.encoding import NotCompiled
from headrace.contracts.varint import Damaged, Source, read_long, read_unsigned

_32_BITS: Final = 32
_DOUBLE_BYTES: Final = 8


class Reader:
    """Reads values of one type, or passes over them: what is damaged is so for both."""

    def read(self, source: Source) -> Any:
        """Return the next value; any `Exception` means that the bytes are damaged."""
        raise NotImplementedError

    def skip(self, source: Source) -> None:
        """Pass over the next value; raises as `read` does."""
        self.read(source)


def _taken(source: Source, size: i64) -> i64:
    """Go past some bytes, and return where they begin."""
    at = source.at
    if not 0 <= size <= len(source.data) - at:
        raise Damaged(f"{size} bytes, where there are {len(source.data) - at}")
    source.at = at + size
    return at


class _StringReader(Reader):
    def read(self, source: Source) -> str:
        at = _taken(source, read_long(source))
        return source.data[at : source.at].decode("utf-8")


class _BytesReader(Reader):
    def read(self, source: Source) -> bytes:
        at = _taken(source, read_long(source))
        return source.data[at : source.at]

    def skip(self, source: Source) -> None:
        _taken(source, read_long(source))


class _LongReader(Reader):
    def read(self, source: Source) -> int:
        return read_long(source)

    def skip(self, source: Source) -> None:
        read_unsigned(source)


class _IntReader(Reader):
    def read(self, source: Source) -> int:
        value = read_unsigned(source)
        if value >> _32_BITS:
            raise Damaged("an int has more than 32 bits")
        return value >> 1 ^ -(value & 1)


class _DoubleReader(Reader):
    def read(self, source: Source) -> float:
        return read_f64_le(source.data, _taken(source, _DOUBLE_BYTES))

    def skip(self, source: Source) -> None:
        _taken(source, _DOUBLE_BYTES)


class _BooleanReader(Reader):
    def read(self, source: Source) -> bool:
        byte: i64 = source.data[source.at]
        source.at += 1
        if byte > 1:
            raise Damaged(f"a boolean of {byte}")
        return byte == 1


class _FixedReader(Reader):
    def __init__(self, size: i64) -> None:
        self._size = size

    def read(self, source: Source) -> bytes:
        at = _taken(source, self._size)
        return source.data[at : source.at]

    def skip(self, source: Source) -> None:
        _taken(source, self._size)


class _OptionalReader(Reader):
    """Reads null, or a value of the one other type of a union."""

    def __init__(self, null_branch: i64, other: Reader) -> None:
        self._null_branch = 2 * null_branch  # as it is written, zig-zag
        self._other = other

    def _is_null(self, source: Source) -> bool:
        branch: i64 = source.data[source.at]
        source.at += 1
        if branch not in (0, 2):
            raise Damaged("there is no such branch of the union")
        return branch == self._null_branch

    def read(self, source: Source) -> Any:
        return None if self._is_null(source) else self._other.read(source)

    def skip(self, source: Source) -> None:
        if not self._is_null(source):
            self._other.skip(source)


class _ArrayReader(Reader):
    def __init__(self, items: Reader) -> None:
        self._items = items

    def _block(self, source: Source) -> i64:
        """Read the head of a block: how many items follow; each takes a byte or more."""
        count = read_long(source)
        if count < 0:
            count = -count
            size = read_long(source)
            if not 0 <= size <= len(source.data) - source.at:
                raise Damaged(f"a block of {size} bytes")
        if not 0 <= count <= len(source.data) - source.at:
            raise Damaged(f"a block of {count} items")
        return count

    def read(self, source: Source) -> list[Any]:
        items, values = self._items, list[Any]()
        count = self._block(source)
        while count:
            for _ in range(count):
                values.append(items.read(source))
            count = self._block(source)
        return values

    def skip(self, source: Source) -> None:
        count = self._block(source)
        while count:
            for _ in range(count):
                self._items.skip(source)
            count = self._block(source)


class _Field:
    def __init__(self, name: str, reader: Reader, *, is_kept: bool) -> None:
        self.name = name
        self.reader = reader
        self.is_kept = is_kept


class RecordReader(Reader):
    """Reads records, or some of their fields."""

    def __init__(self, fields: list[_Field]) -> None:
        self._fields = fields

    def read(self, source: Source) -> dict[str, Any]:
        """Return the next record."""
        record: dict[str, Any] = {}
        for field in self._fields:
            if field.is_kept:
                record[field.name] = field.reader.read(source)
            else:
                field.reader.skip(source)
        return record

    def skip(self, source: Source) -> None:
        """Pass over the next record."""
        for field in self._fields:
            field.reader.skip(source)


def record_reader(schema: dict[str, Any], kept: Collection[str] | None = None) -> RecordReader:
    """Return what reads the records of a schema.

    Parameters
    ----------
    schema
        A record's schema as `fastavro.parse_schema` returns it, so with full names; without
        logical types; not recursive, and without repeated items of no bytes.
    kept
        The fields that are wanted; all without it. The others are passed over, and looked at as
        strictly: what bytes are damaged does not depend on what is wanted of them.

    Raises
    ------
    NotCompiled
        The schema has a map, an enum, a float, or a union that is not null and one other type.
    """
    return _Readers().record(schema, kept)


class _Readers:
    """Makes the readers of one schema; remembers the named types that it has passed."""

    def __init__(self) -> None:
        self._named: dict[str, Reader] = {
            "string": _StringReader(),
            "bytes": _BytesReader(),
            "long": _LongReader(),
            "int": _IntReader(),
            "double": _DoubleReader(),
            "boolean": _BooleanReader(),
        }

    def record(self, schema: dict[str, Any], kept: Collection[str] | None = None) -> RecordReader:
        """Return a reader of records; those within it are read whole."""
        return RecordReader(
            [
                _Field(
                    field["name"],
                    self.reader(field["type"]),
                    is_kept=kept is None or field["name"] in kept,
                )
                for field in schema["fields"]
            ]
        )

    def reader(self, schema: Any) -> Reader:
        """Return a reader of any type's values."""
        if isinstance(schema, list):
            if len(schema) != 2 or "null" not in schema:
                raise NotCompiled(f"there is no compiled reader for the union {schema}")
            null_branch = schema.index("null")
            return _OptionalReader(null_branch, self.reader(schema[1 - null_branch]))
        kind = schema["type"] if isinstance(schema, dict) else schema
        if kind == "array":
            return _ArrayReader(self.reader(schema["items"]))
        if kind == "record":
            return self._remembered(schema["name"], self.record(schema))
        if kind == "fixed":
            return self._remembered(schema["name"], _FixedReader(schema["size"]))
        if kind not in self._named:
            raise NotCompiled(f"there is no compiled reader for {kind}")
        return self._named[kind]

    def _remembered(self, name: str, reader: Reader) -> Reader:
        self._named[name] = reader
        return reader
