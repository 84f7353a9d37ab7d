"""Compiles an Avro schema into one Python function that writes a record's bytes.

Faster than fastavro's general writer, because the schema is walked once and not for each record
(``bench/codec.py`` says by how much); and stricter: nothing is bent to fit its field. The bytes
are the same, to which property tests hold it.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from headrace.contracts.varint import NEAR, SMALL, encode_int, encode_long

Write = Callable[[Any], bytes]

_DOUBLE: Final = struct.Struct("<d").pack
_FALSE: Final = b"\x00"
_TRUE: Final = b"\x01"
END: Final = b"\x00"
"""After the last block of an array."""


class NotCompiled(Exception):
    """The schema has a part for which there is no compiled writer."""


def compiled_writer(schema: dict[str, Any], prefix: bytes) -> Write:
    """Return a function from a record to ``prefix`` and the record's Avro body.

    Parameters
    ----------
    schema
        A record's schema as `fastavro.parse_schema` returns it, so with full names; without
        logical types.
    prefix
        Stands before every body.

    Raises
    ------
    NotCompiled
        The schema has a map, an enum, a float, or a union that is not null and one other type.
    """
    return Writers().record(schema, prefix)


class Writers:
    """Compiles the parts of one schema; remembers the named types that it has passed."""

    def __init__(self) -> None:
        self._named: dict[str, Write] = {}

    def writer(self, schema: Any) -> Write:
        """Return a function from a value to its bytes."""
        if isinstance(schema, list):
            return self._optional(schema)
        kind = schema["type"] if isinstance(schema, dict) else schema
        match kind:
            case "array":
                return _array(schema["items"], self.writer(schema["items"]))
            case "fixed":
                self._named[schema["name"]] = _fixed(schema["size"])
                return self._named[schema["name"]]
            case "record":
                return self.record(schema, b"")
        known = _PRIMITIVE.get(kind) or self._named.get(kind)
        if known is None:
            raise NotCompiled(f"there is no compiled writer for {kind}")
        return known

    def record(self, schema: dict[str, Any], prefix: bytes) -> Write:
        """Return a function that writes all fields of a record with one join."""
        names: dict[str, Any] = {**NAMES, "prefix": prefix, "fields": len(schema["fields"])}
        lines, parts = [], ["prefix"]
        for number, field in enumerate(schema["fields"]):
            value, write = f"v{number}", f"write{number}"
            lines.append(f" {value} = record[{field['name']!r}]")
            inline = _inline(field["type"])
            if inline is None:
                names[write] = self.writer(field["type"])
                parts.append(f"{write}({value})")
            else:
                lines += [f" {line.format(v=value)}" for line in inline[:-1]]
                parts.append(inline[-1].format(v=value))
        body = "\n".join(
            [
                "def write(record):",
                " if len(record) != fields: raise ValueError('fields are missing or unknown')",
                *lines,
                f" return join(({', '.join(parts)},))",
            ]
        )
        exec(body, names)  # noqa: S102 -- of the schema the text holds only quoted names
        written: Write = names["write"]
        return written

    def _optional(self, union: Sequence[Any]) -> Write:
        if len(union) != 2 or "null" not in union:
            raise NotCompiled(f"there is no compiled writer for the union {union}")
        null_index = union.index("null")
        write = self.writer(union[1 - null_index])
        absent, present = encode_long(null_index), encode_long(1 - null_index)
        return lambda value: absent if value is None else present + write(value)


def _string(value: str) -> bytes:
    encoded = value.encode()
    return encode_long(len(encoded)) + encoded


def _bytes(value: bytes) -> bytes:
    if value.__class__ is not bytes:
        raise TypeError(f"{value!r} is {type(value).__name__}, not bytes")
    return encode_long(len(value)) + value


def _boolean(value: bool) -> bytes:
    if value.__class__ is not bool:
        raise TypeError(f"{value!r} is {type(value).__name__}, not bool")
    return _TRUE if value else _FALSE


def _double(value: float) -> bytes:
    if value.__class__ is bool:
        raise TypeError(f"{value!r} is bool, not float")
    return _DOUBLE(value)


def _fixed(size: int) -> Write:
    def write(value: bytes) -> bytes:
        if value.__class__ is not bytes or len(value) != size:
            raise TypeError(f"{value!r} is not {size} bytes")
        return value

    return write


def _listed(values: Sequence[Any]) -> Sequence[Any]:
    if values.__class__ is list or values.__class__ is tuple:
        return values
    raise TypeError(f"{values!r} is {type(values).__name__}, not list")


@lru_cache(maxsize=256)
def _doubles(count: int) -> Callable[..., bytes]:
    return struct.Struct(f"<{count}d").pack


def _array(items: Any, write: Write) -> Write:
    def write_all(values: Sequence[Any]) -> bytes:
        if not _listed(values):
            return END
        return b"".join((encode_long(len(values)), *map(write, values), END))

    def write_doubles(values: Sequence[float]) -> bytes:
        if not _listed(values):
            return END
        count = len(values)
        return encode_long(count) + _doubles(count)(*values) + END

    return write_doubles if items == "double" else write_all


_PRIMITIVE: Final[Mapping[str, Write]] = {
    "string": _string,
    "bytes": _bytes,
    "boolean": _boolean,
    "int": encode_int,
    "long": encode_long,
    "double": _double,
}

# For a record's own fields the commonest types are written out, to save the call: statements,
# and last the parts that they leave for the join.
_INLINE: Final[Mapping[str, tuple[str, ...]]] = {
    "string": (
        "{v} = {v}.encode()",
        "n{v} = len({v})",
        "small[n{v}] if n{v} < smalls else long(n{v}), {v}",
    ),
    "long": ("small[{v}] if {v}.__class__ is int and 0 <= {v} < smalls else long({v})",),
    "int": ("small[{v}] if {v}.__class__ is int and 0 <= {v} < smalls else int32({v})",),
    "double": ("packed({v}) if {v}.__class__ is float else double({v})",),
    "boolean": ("true if {v} is True else boolean({v})",),
}
# And for an array of integers, each of which would be a call.
_ITEMS: Final[Mapping[str, str]] = {"int": "int32", "long": "long"}
_INTEGERS: Final = (
    "n{v} = len(listed({v}))",
    "i{v} = [near[i] if i.__class__ is int and -smalls <= i < smalls else ITEM(i) for i in {v}]",
    "if n{v}: i{v}.append(end)",
    "small[n{v}] if n{v} < smalls else long(n{v}), *i{v}",
)
# The same for a column of values: statements before the loop, and the parts within it.
_COLUMN: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "string": (
        (" c{n} = [v.encode() for v in c{n}]",),
        ("small[n{n}] if (n{n} := len(v{n})) < smalls else long(n{n})", "v{n}"),
    ),
    "long": ((), ("small[v{n}] if v{n}.__class__ is int and 0 <= v{n} < smalls else long(v{n})",)),
    "int": ((), ("small[v{n}] if v{n}.__class__ is int and 0 <= v{n} < smalls else int32(v{n})",)),
    "double": ((), ("packed(v{n}) if v{n}.__class__ is float else double(v{n})",)),
    "boolean": ((), ("true if v{n} is True else boolean(v{n})",)),
}
NAMES: Final[Mapping[str, Any]] = {
    "join": b"".join,
    "small": SMALL,
    "smalls": len(SMALL),
    "near": NEAR,
    "listed": _listed,
    "end": END,
    "long": encode_long,
    "int32": encode_int,
    "packed": _DOUBLE,
    "double": _double,
    "true": _TRUE,
    "null": encode_long(0),
    "one": encode_long(1),
    "boolean": _boolean,
    "int": int,
    "float": float,
    "len": len,
}


def _inline(kind: Any) -> tuple[str, ...] | None:
    """Return how a field of this type is written within its record, if that is worth it."""
    if isinstance(kind, str):
        return _INLINE.get(kind)
    if isinstance(kind, dict) and kind["type"] == "array" and str(kind["items"]) in _ITEMS:
        return tuple(line.replace("ITEM", _ITEMS[kind["items"]]) for line in _INTEGERS)
    return None


def in_line(
    kind: Any, number: int, write: Write, names: dict[str, Any]
) -> tuple[list[str], list[str]]:
    """Return how the values ``v<number>`` of a column ``c<number>`` are written within a loop.

    Parameters
    ----------
    kind, write
        The values' schema, and what writes one of them.
    names
        Receives what the text refers to beside ``NAMES``.

    Returns
    -------
    Statements before the loop, and expressions for the bytes of a value.
    """
    before, pieces = _COLUMN.get(kind, ((), ())) if isinstance(kind, str) else ((), ())
    if kind == ["null", "long"]:
        pieces = (f"null if v{{n}} is None else one + ({_COLUMN['long'][1][0]})",)
    elif not pieces:
        names[f"write{number}"] = write
        pieces = ("write{n}(v{n})",)
    return [line.format(n=number) for line in before], [each.format(n=number) for each in pieces]
