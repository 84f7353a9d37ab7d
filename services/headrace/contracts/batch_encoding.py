"""Compiles an Avro schema into a function that writes many records at once.

Records of a batch share most of what they say. What all of them share is encoded once, and
neighbours of it become one run of bytes; what differs comes as columns, so that no record need be
put together before it is taken apart again.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, overload

from headrace.contracts.encoding import END, NAMES, Writers, in_line
from headrace.contracts.varint import encode_long

_DOUBLE_BYTES: Final = 8
_HEAD: Final = 32
_FEW: Final = 8


class Doubles(Sequence[float | list[float]]):
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
        self._packed = packed
        self._size = _DOUBLE_BYTES * (each or 1)
        self._each = each

    def __len__(self) -> int:
        return len(self._packed) // self._size

    @overload
    def __getitem__(self, row: int) -> float | list[float]: ...
    @overload
    def __getitem__(self, row: slice) -> list[float | list[float]]: ...
    def __getitem__(self, row: int | slice) -> Any:
        """Return a value as Python has it."""
        if isinstance(row, slice):
            return [self[each] for each in range(*row.indices(len(self)))]
        if not 0 <= row < len(self):
            raise IndexError(row)
        (*numbers,) = struct.unpack_from(f"<{self._each or 1}d", self._packed, row * self._size)
        return numbers[0] if self._each is None else numbers

    @property
    def schema(self) -> Any:
        """The Avro type that it is of."""
        return "double" if self._each is None else {"type": "array", "items": "double"}

    def pieces(self) -> list[bytes]:
        """Return the doubles of each record."""
        packed, size = self._packed, self._size
        return [packed[at : at + size] for at in range(0, len(packed), size)]

    @property
    def around(self) -> tuple[bytes, bytes]:
        """What stands before and after them: an array's length, and its end."""
        return (b"", b"") if self._each is None else (encode_long(self._each), END)


class Shared(Sequence[Any]):
    """A column that records of several schemas hold: each value is encoded once."""

    def __init__(self, values: Sequence[Any]) -> None:
        self._values = values
        self._pieces: dict[str, list[bytes]] = {}

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, row: Any) -> Any:
        """Return a value as it was given."""
        return self._values[row]

    def pieces(self, kind: str, write: Callable[[Any], bytes]) -> list[bytes]:
        """Return the bytes of each value as a primitive type writes them."""
        pieces = self._pieces.get(kind)
        if pieces is None:
            pieces = self._pieces[kind] = [*map(write, self._values)]
        return pieces


Column = Sequence[Any]
"""Values of a field, record by record."""


class BatchWriter:
    """Writes records of one schema, some of whose fields are the same for all.

    Parameters
    ----------
    schema
        A record's schema as :func:`.encoding.compiled_writer` takes it.
    prefix
        Stands before every body.

    Raises
    ------
    NotCompiled
        The schema has a part for which there is no compiled writer.
    """

    def __init__(self, schema: dict[str, Any], prefix: bytes) -> None:
        self._prefix = prefix
        writers = Writers()
        self._fields = {
            field["name"]: (field["type"], writers.writer(field["type"]))
            for field in schema["fields"]
        }
        self._compiled: dict[tuple[tuple[str, str], ...], Callable[..., list[bytes]]] = {}

    def __call__(self, same: Mapping[str, Any], columns: Mapping[str, Column]) -> list[bytes]:
        """Write records.

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
        if not columns or len(same) + len(columns) != len(self._fields):
            raise ValueError("fields are missing, unknown or twice there, or all are the same")
        runs, shapes, values = [self._prefix], list[tuple[str, str]](), list[Sequence[Any]]()
        for name, (kind, write) in self._fields.items():
            column = columns.get(name)
            if column is None:
                runs[-1] += write(same[name])
            elif isinstance(column, Doubles) and kind == column.schema:
                before, after = column.around
                runs[-1] += before
                runs.append(after)
                shapes.append((name, "pieces"))
                values.append(column.pieces())
            elif isinstance(column, Shared) and isinstance(kind, str):
                runs.append(b"")
                shapes.append((name, "pieces"))
                values.append(column.pieces(kind, write))
            else:
                few = _has_few(column)
                runs.append(b"")
                shapes.append((name, "pieces" if few else "values"))
                values.append(_looked_up(column, write) if few else column)
        return self._writer(tuple(shapes))(runs, values)

    def _writer(self, shapes: tuple[tuple[str, str], ...]) -> Callable[..., list[bytes]]:
        writer = self._compiled.get(shapes)
        if writer is None:
            writer = self._compiled[shapes] = self._compile(shapes)
        return writer

    def _compile(self, shapes: tuple[tuple[str, str], ...]) -> Callable[..., list[bytes]]:
        """Write the loop over records out: one join each, of runs and of pieces."""
        names: dict[str, Any] = {**NAMES}
        before, pieces = list[str](), ["run0"]
        for number, (name, shape) in enumerate(shapes):
            kind, write = self._fields[name]
            if shape == "pieces":
                pieces.append(f"v{number}")
            else:
                prepared, piece = in_line(kind, number, write, names)
                before += prepared
                pieces += piece
            pieces.append(f"run{number + 1}")
        count = len(shapes)
        loop = f"for {_listed('v', count)} in zip({_listed('c', count)} strict=True)"
        body = "\n".join(
            [
                "def write(runs, columns):",
                f" {_listed('run', count + 1)} = runs",
                f" {_listed('c', count)} = columns",
                *before,
                f" return [join(({', '.join(pieces)},)) {loop}]",
            ]
        )
        exec(body, names)  # noqa: S102 -- of the schema the text holds nothing
        written: Callable[..., list[bytes]] = names["write"]
        return written


def _has_few(column: Sequence[Any]) -> bool:
    """Tell whether a column seems to repeat a few texts, by its first values."""
    head = column[:_HEAD]
    return len(head) == _HEAD and head[0].__class__ is str and len(set(head)) <= _FEW


def _looked_up(column: Sequence[Any], write: Callable[[Any], bytes]) -> list[bytes]:
    """Return each value's bytes, every distinct one written once."""
    written = {value: write(value) for value in set(column)}
    return [written[value] for value in column]


def _listed(name: str, count: int) -> str:
    return "".join(f"{name}{number}, " for number in range(count))
