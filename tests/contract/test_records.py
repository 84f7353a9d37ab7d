"""The typed records are the schemas, field by field."""

from typing import Any, Literal, get_args, get_origin, get_type_hints, is_typeddict

import pytest

from headrace.contracts import records
from headrace.contracts.schemas import load_schema, schema_names

PRIMITIVES = {
    "string": str,
    "bytes": bytes,
    "fixed": bytes,
    "int": int,
    "long": int,
    "double": float,
    "boolean": bool,
    "null": type(None),
}
TYPED = {name: each for name, each in vars(records).items() if is_typeddict(each)}


def python_type(schema: Any) -> Any:
    """The Python type of a value of this schema."""
    if isinstance(schema, list):
        return tuple(sorted((python_type(branch) for branch in schema), key=str))
    if isinstance(schema, str):
        return PRIMITIVES.get(schema, bytes)  # the named types that are used by name are digests
    if schema["type"] == "array":
        return list, python_type(schema["items"])
    if schema["type"] == "record":
        return TYPED[schema["name"]]
    return PRIMITIVES[schema["type"]]


def plain(hint: Any) -> Any:
    """A type hint in the same form; a closed list of words is a string on the wire."""
    if get_origin(hint) is Literal:
        assert all(isinstance(word, str) for word in get_args(hint))
        return str
    if get_origin(hint) is list:
        return list, plain(get_args(hint)[0])
    if type(None) in get_args(hint):
        return tuple(sorted((plain(arm) for arm in get_args(hint)), key=str))
    return hint


def nested(schema: Any) -> list[dict[str, Any]]:
    """A record's schema and those of the records inside it."""
    inside = [field["type"] for field in schema["fields"]]
    items = [each["items"] for each in inside if isinstance(each, dict) and each["type"] == "array"]
    records_inside = [each for each in items if isinstance(each, dict)]
    return [schema, *(deep for each in records_inside for deep in nested(each))]


SCHEMAS = {
    schema["name"]: schema
    for name in schema_names()
    if name.startswith("platform/")
    for schema in nested(load_schema(name))
}


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_typed_record_has_its_schemas_fields_in_order_and_their_types(name):
    schema, typed = SCHEMAS[name], TYPED[name]
    hints = get_type_hints(typed)
    assert list(hints) == [field["name"] for field in schema["fields"]]
    for field in schema["fields"]:
        assert plain(hints[field["name"]]) == python_type(field["type"]), field["name"]


def test_there_is_one_typed_record_for_each_platform_record():
    assert set(TYPED) == set(SCHEMAS)
