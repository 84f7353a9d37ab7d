"""Avro's schema resolution as a check of two schemas: what cannot be read, and why.

The registry is the judge. This says in words what its verdict leaves out, and lets a change be
checked before there is a registry at all. Rules: Avro 1.12 specification, "Schema Resolution".
"""

from collections.abc import Iterator
from typing import Any, Final

from fastavro.schema import expand_schema

from headrace.contracts.avro import full_name, without_logical_types

_READ_AS: Final = {
    "int": {"long", "float", "double"},
    "long": {"float", "double"},
    "float": {"double"},
    "string": {"bytes"},
    "bytes": {"string"},
}


def incompatibilities(new: dict[str, Any], old: dict[str, Any]) -> list[str]:
    """Say what keeps two versions of a schema from being fully compatible; empty: nothing does.

    Fully: each version reads what the other wrote. Both are plain JSON.
    """
    if full_name(new) != full_name(old):
        return [f"{full_name(old) or 'what is no record'} cannot become {full_name(new)}"]
    return [
        *(f"the new version cannot read the old: {why}" for why in unreadable(new, old)),
        *(f"the old version cannot read the new: {why}" for why in unreadable(old, new)),
    ]


def unreadable(reader: dict[str, Any], writer: dict[str, Any]) -> list[str]:
    """Say what of the writer's records the reader cannot read; empty when it reads all."""
    return list(_problems(_expanded(reader), _expanded(writer), "the record"))


def _expanded(schema: dict[str, Any]) -> Any:
    return expand_schema(without_logical_types(schema))


def _problems(reader: Any, writer: Any, place: str) -> Iterator[str]:
    if isinstance(writer, list):
        for branch in writer:
            yield from _problems(reader, branch, place)
    elif isinstance(reader, list):
        if all(any(_problems(branch, writer, place)) for branch in reader):
            kinds = ", ".join(_kind(branch) for branch in reader)
            yield f"{place}: {_kind(writer)} is none of {kinds}"
    elif _kind(reader) != _kind(writer):
        if _kind(reader) not in _READ_AS.get(_kind(writer), ()):
            yield f"{place}: {_kind(writer)} is not {_kind(reader)}"
    elif isinstance(reader, dict):
        yield from _complex(reader, writer, place)


def _complex(reader: dict[str, Any], writer: dict[str, Any], place: str) -> Iterator[str]:
    if reader.get("name") != writer.get("name"):
        yield f"{place}: {writer.get('name')} is not {reader.get('name')}"
        return
    match reader["type"]:
        case "record":
            yield from _fields(reader, writer)
        case "array":
            yield from _problems(reader["items"], writer["items"], f"{place}[]")
        case "map":
            yield from _problems(reader["values"], writer["values"], f"{place}{{}}")
        case "enum" if "default" not in reader:
            unknown = set(writer["symbols"]) - set(reader["symbols"])
            yield from (f"{place}: the symbol {symbol} is unknown" for symbol in sorted(unknown))
        case "fixed" if reader["size"] != writer["size"]:
            yield f"{place}: {writer['size']} bytes are not {reader['size']}"


def _fields(reader: dict[str, Any], writer: dict[str, Any]) -> Iterator[str]:
    """Compare fields by name; an alias is not taken for the same field, as not all readers do."""
    written = {field["name"]: field for field in writer["fields"]}
    for field in reader["fields"]:
        name = field["name"]
        if name in written:
            yield from _problems(field["type"], written[name]["type"], name)
        elif "default" not in field:
            yield f"{name}: it is missing and has no default"


def _kind(schema: Any) -> str:
    return str(schema["type"] if isinstance(schema, dict) else schema)
