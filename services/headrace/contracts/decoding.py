"""Compiles an Avro schema into one Python function that reads a record's bytes.

Stricter with damaged bytes than fastavro's general reader: a boolean that is neither 0 nor 1, a
branch of a union that there is not, an integer that is too large. Nothing is allocated that the
bytes do not hold. And faster (``bench/codec.py`` says by how much). Property tests hold what it
reads to what fastavro wrote.
"""

import struct
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from headrace.contracts.encoding import NotCompiled

Read = Callable[[bytes, int], tuple[dict[str, Any], int]]

_MAX_SHIFT: Final = 63


class Damaged(ValueError):
    """The bytes are not what a writer of this schema writes."""


def compiled_reader(schema: dict[str, Any], kept: Collection[str] | None = None) -> Read:
    """Return a function from bytes and where the body begins to the record and where it ends.

    The end may lie past the bytes: then the last field did. Any `Exception` means that the bytes
    are damaged.

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
    lines = _Compiler().record(schema, "record", kept)
    body = "\n ".join(["def read(data, at):", *lines, "return record, at"])
    names: dict[str, Any] = dict(_NAMES)
    exec(body, names)  # noqa: S102 -- of the schema the text holds only quoted names and sizes
    read: Read = names["read"]
    return read


class _Compiler:
    """Writes the statements that read one value into a variable, or pass over it."""

    def __init__(self) -> None:
        self._named: dict[str, Any] = {}
        self._variables = 0

    def record(
        self, schema: dict[str, Any], into: str, kept: Collection[str] | None = None
    ) -> list[str]:
        """Return the statements for a record with the kept ones of its fields, or all."""
        lines, pairs = [], []
        for field in schema["fields"]:
            if kept is not None and field["name"] not in kept:
                lines += self.passed(field["type"])
                continue
            variable = self._variable()
            lines += self.value(field["type"], variable)
            pairs.append(f"{field['name']!r}: {variable}")
        return [*lines, f"{into} = {{{', '.join(pairs)}}}"]

    def value(self, schema: Any, into: str) -> list[str]:
        """Return the statements for a value of any schema."""
        kind, schema = self._found(schema)
        if kind in _PRIMITIVE:
            return [line.format(v=into) for line in _PRIMITIVE[kind]]
        match kind:
            case "union":
                return _optional(schema, f"{into} = None", lambda it: self.value(it, into))
            case "fixed":
                size = int(schema["size"])
                return [f"{into} = data[at : at + {size}]", f"at += {size}"]
            case "record":
                return self.record(schema, into)
            case "array":
                return [f"{into} = []", *self._array(schema["items"], into)]
        raise NotCompiled(f"there is no compiled reader for {kind}")

    def passed(self, schema: Any) -> list[str]:
        """Return the statements that pass over a value of any schema."""
        kind, schema = self._found(schema)
        if kind in _PASSED:
            return [*_PASSED[kind]]
        match kind:
            case "union":
                return _optional(schema, "pass", self.passed)
            case "fixed":
                return [f"at += {int(schema['size'])}"]
            case "record":
                return [line for field in schema["fields"] for line in self.passed(field["type"])]
            case "array":
                return self._array(schema["items"])
        return self.value(schema, self._variable())

    def _found(self, schema: Any) -> tuple[str, Any]:
        """Return a schema's kind, and what it stands for where it is a name."""
        if isinstance(schema, list):
            return "union", schema
        if isinstance(schema, dict) and "name" in schema:
            self._named[schema["name"]] = schema
        schema = schema if isinstance(schema, dict) else self._named.get(schema, schema)
        return (schema["type"] if isinstance(schema, dict) else schema), schema

    def _array(self, items: Any, into: str | None = None) -> list[str]:
        """Return the statements that add an array's items to a list, or pass over them."""
        count = self._variable()
        if items == "double":
            read = [f"{into} += unpack(f'<{{{count}}}d', data, at)"] if into else []
            each = [*read, f"at += 8 * {count}"]
        else:
            each = [f"for _ in range({count}):", *_indented(self._item(items, into))]
        block = [line.format(v=count) for line in _BLOCK]
        return [*block, f"while {count}:", *_indented([*each, *block])]

    def _item(self, items: Any, into: str | None) -> list[str]:
        if into is None:
            return self.passed(items)
        item = self._variable()
        return [*self.value(items, item), f"{into}.append({item})"]

    def _variable(self) -> str:
        self._variables += 1
        return f"v{self._variables}"


def _optional(union: list[Any], none: str, other: Callable[[Any], list[str]]) -> list[str]:
    """Return the statements for null, and those for the other type that the union has."""
    if len(union) != 2 or "null" not in union:
        raise NotCompiled(f"there is no compiled reader for the union {union}")
    null_index = union.index("null")
    return [
        "branch = data[at]",
        "at += 1",
        f"if branch == {2 * null_index}: {none}",
        f"elif branch == {2 - 2 * null_index}:",
        *_indented(other(union[1 - null_index])),
        "else: raise Damaged('there is no such branch of the union')",
    ]


def _indented(lines: list[str]) -> list[str]:
    return [f" {line}" for line in lines]


def _more(data: bytes, at: int, first: int) -> tuple[int, int]:
    """Read on where an integer's first byte says that more follow; still zig-zag."""
    second = data[at]
    if second < 0x80:  # most amounts, written out as the commonest
        return second << 7 | first & 0x7F, at + 1
    third = data[at + 1]
    value = (second & 0x7F) << 7 | first & 0x7F
    if third < 0x80:
        return third << 14 | value, at + 2
    value |= (third & 0x7F) << 14
    at += 2
    shift = 21
    while True:
        byte = data[at]
        at += 1
        if byte < 0x80:
            value |= byte << shift
            break
        value |= (byte & 0x7F) << shift
        shift += 7
        if shift > _MAX_SHIFT:
            raise Damaged("an integer has more than ten bytes")
    if value >> 64:
        raise Damaged("an integer has more than 64 bits")
    return value, at


def _long(data: bytes, at: int) -> tuple[int, int]:
    first = data[at]
    value, at = _more(data, at + 1, first) if first & 0x80 else (first, at + 1)
    return value >> 1 ^ -(value & 1), at


def _length(data: bytes, at: int) -> tuple[int, int]:
    length, at = _long(data, at)
    if not 0 <= length <= len(data) - at:
        raise Damaged(f"a length of {length} bytes")
    return length, at


def _block(data: bytes, at: int) -> tuple[int, int]:
    """Read the head of an array's block: how many items follow; each takes a byte or more."""
    count, at = _long(data, at)
    if count < 0:
        count = -count
        _, at = _length(data, at)
    if count > len(data) - at:
        raise Damaged(f"a block of {count} items")
    return count, at


# A length's first byte says with its highest bit that more follow, with its lowest a minus.
_SIZED: Final = (
    "size = data[at]",
    "if size & 0x81: size, at = length(data, at)",
    "else: size >>= 1; at += 1",
    "end = at + size",
)
_VARINT: Final = (
    "{v} = data[at]",
    "at += 1",
    "if {v} & 0x80: {v}, at = more(data, at, {v})",
)
_PRIMITIVE: Final[Mapping[str, tuple[str, ...]]] = {
    "string": (*_SIZED, "{v} = data[at:end].decode()", "at = end"),
    "bytes": (*_SIZED, "{v} = data[at:end]", "at = end"),
    "long": (*_VARINT, "{v} = {v} >> 1 ^ -({v} & 1)"),
    "int": (
        *_VARINT,
        "if {v} >> 32: raise Damaged('an int has more than 32 bits')",
        "{v} = {v} >> 1 ^ -({v} & 1)",
    ),
    "double": ("({v},) = double(data, at)", "at += 8"),
    "boolean": (
        "{v} = data[at]",
        "at += 1",
        "if {v} > 1: raise Damaged(f'a boolean of {{{v}}}')",
        "{v} = {v} == 1",
    ),
}
_PASSED: Final[Mapping[str, tuple[str, ...]]] = {
    "string": (*_SIZED, "data[at:end].decode()", "at = end"),
    "bytes": (*_SIZED, "at = end"),
    "long": ("size = data[at]", "at += 1", "if size & 0x80: _, at = more(data, at, size)"),
    "double": ("at += 8",),
}
# As of a length. What goes past the end, of so few, is noticed when it is read.
_BLOCK: Final = (
    "{v} = data[at]",
    "if {v} & 0x81: {v}, at = block(data, at)",
    "else: {v} >>= 1; at += 1",
)
_NAMES: Final[Mapping[str, Any]] = {
    "more": _more,
    "length": _length,
    "block": _block,
    "double": struct.Struct("<d").unpack_from,
    "unpack": struct.unpack_from,
    "range": range,
    "Damaged": Damaged,
}
