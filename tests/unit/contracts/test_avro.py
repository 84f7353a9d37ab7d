"""Schemas are measured before anything is read with them."""

import pytest

from headrace.contracts.avro import (
    SchemaRefused,
    bounded,
    full_name,
    has_mutable_default,
    without_logical_types,
)
from headrace.contracts.schemas import load_schema, schema_names


@pytest.mark.parametrize("name", schema_names())
def test_our_own_schemas_are_bounded(name):
    bounded(load_schema(name))


def test_a_name_is_found_in_its_own_namespace_and_in_the_one_around_it():
    inner = {"type": "fixed", "name": "Digest", "size": 4}
    schema = {
        "type": "record",
        "name": "Outer",
        "namespace": "a.b",
        "fields": [
            {"name": "one", "type": inner},
            {"name": "two", "type": {"type": "array", "items": "Digest"}},
            {"name": "three", "type": {"type": "array", "items": "a.b.Digest"}},
        ],
    }
    bounded(schema)
    inner["size"] = 0
    with pytest.raises(SchemaRefused, match="no bytes"):
        bounded(schema)


def test_a_recursive_schema_is_refused():
    schema = {
        "type": "record",
        "name": "Tree",
        "fields": [{"name": "children", "type": {"type": "array", "items": "Tree"}}],
    }
    with pytest.raises(SchemaRefused, match="recursive"):
        bounded(schema)


def test_a_map_may_hold_values_of_no_bytes_as_its_keys_take_some():
    bounded({"type": "map", "values": "null"})


def test_full_names_join_name_and_namespace():
    assert full_name({"type": "record", "name": "A"}) == "A"
    assert full_name({"type": "record", "name": "A", "namespace": "x.y"}) == "x.y.A"
    assert full_name({"type": "record", "name": "x.y.A", "namespace": "z"}) == "x.y.A"
    assert full_name({"type": "enum", "name": "A"}) == ""
    assert full_name(["null"]) == ""


def test_logical_types_and_documentation_are_left_out_but_defaults_are_kept():
    field = {
        "name": "at",
        "type": {"type": "long", "logicalType": "timestamp-millis"},
        "doc": "When.",
        "default": {"doc": "kept"},
    }
    assert without_logical_types({"type": "record", "name": "A", "fields": [field]}) == {
        "type": "record",
        "name": "A",
        "fields": [{"name": "at", "type": {"type": "long"}, "default": {"doc": "kept"}}],
    }


def test_a_default_that_could_be_changed_is_found_at_any_depth():
    assert has_mutable_default(load_schema("platform/DeadLettered"))
    assert not has_mutable_default(load_schema("card-fraud/Transaction"))
    inside = {
        "type": "record",
        "name": "In",
        "fields": [{"name": "m", "type": "int", "default": []}],
    }
    assert has_mutable_default(["null", {"type": "array", "items": inside}])
