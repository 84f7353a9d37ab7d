"""The committed examples of every record: JSON, with bytes as hexadecimal."""

import json
from pathlib import Path
from typing import Any

from headrace.contracts.location import shipped

EXAMPLES = shipped("schemas") / "examples"


def example_files(name: str = "*/*") -> list[Path]:
    """The example files of one record, or of all."""
    return sorted(EXAMPLES.glob(f"{name}/*.json"))


def record_name(path: Path) -> str:
    """``platform/DecisionMade`` for one of its examples."""
    return path.parent.relative_to(EXAMPLES).as_posix()


def load_example(path: Path, schema: dict[str, Any]) -> dict[str, Any]:
    """Read one example as the record that the codec takes."""
    return _typed(json.loads(path.read_text("utf-8")), schema, {})


def fields_of(record: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The part of a record that a version of its schema has."""
    names = {field["name"] for field in schema["fields"]}
    return {name: value for name, value in record.items() if name in names}


def _typed(value: Any, schema: Any, named: dict[str, Any]) -> Any:
    """Turn hexadecimal into bytes wherever the schema says bytes."""
    if isinstance(schema, list):
        branch = next((each for each in schema if each != "null"), None)
        return None if value is None else _typed(value, branch, named)
    if isinstance(schema, str):
        if schema == "bytes":
            return bytes.fromhex(value)
        return _typed(value, named[schema], named) if schema in named else value
    if "name" in schema:
        named[f"{schema.get('namespace', 'headrace')}.{schema['name']}"] = schema
    if schema["type"] == "fixed":
        return bytes.fromhex(value)
    if schema["type"] == "array":
        return [_typed(item, schema["items"], named) for item in value]
    if schema["type"] == "record":
        types = {field["name"]: field["type"] for field in schema["fields"]}
        return {
            name: _typed(field, types.get(name, "null"), named) for name, field in value.items()
        }
    return value
