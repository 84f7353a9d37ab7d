"""Writes many records at once, from columns.

Records of a batch share most of what they say. What all of them share is encoded once, and
neighbours of it become one run of bytes; what differs comes as columns, so that no record need be
put together before it is taken apart again.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from headrace.contracts.encoding import RecordWriter, Writer
from headrace.contracts.varint import encode_long

_DOUBLE_BYTES: Final = 8
_END: Final = b"\x00"
"""After the last block of an array."""


class Doubles:
    """A column of doubles, or of arrays of as many doubles each.

    Parameters
    ----------
    packed
        All of them, one after the other, little-endian.
    each
        Length of each array, at least 1; None for a column of plain doubles.

    Raises
    ------
    ValueError
        The arrays have no length.
    """

    def __init__(self, packed: bytes, each: int | None) -> None:
        if each is not None and each < 1:
            raise ValueError("arrays without values are given as lists")
        self.packed = packed
        self.size: i64 = _DOUBLE_BYTES * (each or 1)
        """Of what a record holds, in bytes."""
        self._each = each

    def __len__(self) -> int:
        return len(self.packed) // self.size

    def __getitem__(self, row: int) -> Any:
        """Return a value as Python has it: a float, or a list of them."""
        if not 0 <= row < len(self):
            raise IndexError(row)
        numbers = struct.unpack_from(f"<{self._each or 1}d", self.packed, row * self.size)
        return numbers[0] if self._each is None else list(numbers)

    def __iter__(self) -> Iterator[Any]:
        return iter([self[row] for row in range(len(self))])

    @property
    def schema(self) -> Any:
        """The Avro type that it is of."""
        return "double" if self._each is None else {"type": "array", "items": "double"}

    @property
    def around(self) -> tuple[bytes, bytes]:
        """What stands before and after them: an array's length, and its end."""
        return (b"", b"") if self._each is None else (encode_long(self._each), _END)


Column = Sequence[Any] | Doubles
"""Values of a field, record by record."""


class _Part:
    """Writes one part of every record."""

    def write(self, out: BytesWriter, row: i64) -> None:
        raise NotImplementedError


class _Run(_Part):
    """What all records share."""

    def __init__(self, shared: bytes) -> None:
        self._shared = shared

    def write(self, out: BytesWriter, row: i64) -> None:  # noqa: ARG002 -- the same in every row
        out.write(self._shared)


class _Values(_Part):
    def __init__(self, values: list[Any], writer: Writer) -> None:
        self._values = values
        self._writer = writer

    def write(self, out: BytesWriter, row: i64) -> None:
        self._writer.write(out, self._values[row])


class _Packed(_Part):
    """Doubles as they are."""

    def __init__(self, packed: bytes, size: i64) -> None:
        self._packed = packed
        self._size = size

    def write(self, out: BytesWriter, row: i64) -> None:
        at = row * self._size
        out.write(self._packed[at : at + self._size])


class BatchWriter:
    """Writes records of one schema, some of whose fields are the same for all.

    Parameters
    ----------
    record
        Writes one of them.
    types
        Of its fields, in their order.
    prefix
        Stands before every body.
    """

    def __init__(self, record: RecordWriter, types: list[Any], prefix: bytes) -> None:
        self._fields = record.fields
        self._types = types
        self._prefix = prefix

    def write(self, same: Mapping[str, Any], columns: Mapping[str, Column]) -> list[bytes]:
        """Return the records.

        Parameters
        ----------
        same
            The fields whose value all records share.
        columns
            The values of the others, record by record; all of one length.

        Raises
        ------
        KeyError, TypeError, ValueError, ...
            A field is missing, unknown or twice there, or a value does not fit.
        """
        lengths = {len(column) for column in columns.values()}
        if len(lengths) != 1 or len(same) + len(columns) != len(self._fields):
            raise ValueError("fields are missing, unknown or twice there, or of unequal length")
        parts = self._parts(same, columns)
        out, written = BytesWriter(), list[bytes]()
        for row in range(i64(lengths.pop())):
            out.truncate(0)
            for part in parts:
                part.write(out, row)
            written.append(out.getvalue())
        return written

    def _parts(self, same: Mapping[str, Any], columns: Mapping[str, Column]) -> list[_Part]:
        parts, run = list[_Part](), BytesWriter()
        run.write(self._prefix)
        for (name, writer), kind in zip(self._fields, self._types, strict=True):
            column = columns.get(name)
            if column is None:
                writer.write(run, same[name])
                continue
            part, after = _part(column, kind, writer, run)
            parts += [_Run(run.getvalue()), part]
            run = BytesWriter()
            run.write(after)
        return [*parts, _Run(run.getvalue())]


def _part(column: Column, kind: Any, writer: Writer, run: BytesWriter) -> tuple[_Part, bytes]:
    """Return what writes a column, and what stands behind it; what stands before goes to a run."""
    if isinstance(column, Doubles):
        if kind == column.schema:
            before, after = column.around
            run.write(before)
            return _Packed(column.packed, column.size), after
        return _Values(list(column), writer), b""
    return _Values(column if isinstance(column, list) else list(column), writer), b""
