"""Compiles an Avro schema into a function that writes many records at once.

Records of a batch share most of what they say. What all of them share is encoded once, and
neighbours of it become one run of bytes; what differs comes as columns, so that no record need be
put together before it is taken apart again.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from headrace.contracts.encoding import END, NAMES, Writers, in_line
from headrace.contracts.varint import encode_long

_DOUBLE_BYTES: Final = 8


class Doubles(NamedTuple):
    """A column of doubles, or of arrays of as many doubles each."""

    packed: bytes
    """All of them, one after the other, little-endian."""
    each: int | None
    """Length of each array; None for a column of plain doubles."""

    def pieces(self) -> list[bytes]:
        """Return each value as Avro has it."""
        packed, size = self.packed, _DOUBLE_BYTES * (1 if self.each is None else self.each)
        if self.each is None:
            return [packed[at : at + size] for at in range(0, len(packed), size)]
        if not self.each:
            raise ValueError("arrays without values are given as lists")
        count = encode_long(self.each)
        return [count + packed[at : at + size] + END for at in range(0, len(packed), size)]

    def values(self) -> list[float] | list[list[float]]:
        """Return each value as Python has it."""
        (*numbers,) = struct.unpack(f"<{len(self.packed) // _DOUBLE_BYTES}d", self.packed)
        if self.each is None:
            return numbers
        return [numbers[at : at + self.each] for at in range(0, len(numbers), self.each)]


Column = Sequence[Any] | Doubles
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
        self._compiled: dict[tuple[tuple[str, bool], ...], Callable[..., list[bytes]]] = {}

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
        if len(same) + len(columns) != len(self._fields):
            raise ValueError("fields are missing, unknown or twice there")
        runs, varying = [self._prefix], list[tuple[str, bool]]()
        for name, (_, write) in self._fields.items():
            if name in columns:
                varying.append((name, isinstance(columns[name], Doubles)))
                runs.append(b"")
            else:
                runs[-1] += write(same[name])
        given = [columns[name] for name, _ in varying]
        values = [each.pieces() if isinstance(each, Doubles) else each for each in given]
        return self._writer(tuple(varying))(runs, values)

    def _writer(self, varying: tuple[tuple[str, bool], ...]) -> Callable[..., list[bytes]]:
        writer = self._compiled.get(varying)
        if writer is None:
            writer = self._compiled[varying] = self._compile(varying)
        return writer

    def _compile(self, varying: tuple[tuple[str, bool], ...]) -> Callable[..., list[bytes]]:
        """Write the loop over records out: one join each, of runs and of pieces."""
        names: dict[str, Any] = {**NAMES}
        before, pieces = list[str](), ["run0"]
        for number, (name, is_packed) in enumerate(varying):
            kind, write = self._fields[name]
            if is_packed:
                pieces.append(f"v{number}")
            else:
                prepared, piece = in_line(kind, number, write, names)
                before += prepared
                pieces += piece
            pieces.append(f"run{number + 1}")
        count = len(varying)
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


def _listed(name: str, count: int) -> str:
    return "".join(f"{name}{number}, " for number in range(count))
