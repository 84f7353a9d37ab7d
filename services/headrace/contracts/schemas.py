"""The Avro schemas, as they are in ``schemas/``: the single source of every record's shape."""

import json
from difflib import get_close_matches
from typing import Any

from headrace.contracts.location import shipped
from headrace.errors import HeadraceError


def schema_names() -> list[str]:
    """Name every schema by folder and record, as ``platform/DecisionMade``, sorted."""
    folder = shipped("schemas")
    return sorted(f"{path.parent.name}/{path.stem}" for path in folder.glob("*/*.avsc"))


def load_schema(name: str) -> dict[str, Any]:
    """Read one schema as plain JSON, documentation and logical types included.

    Raises
    ------
    HeadraceError
        There is no schema of that name.
    """
    names = schema_names()
    if name not in names:
        near = get_close_matches(name, names, n=1) or names
        raise HeadraceError(
            f"There is no schema {name!r} in {shipped('schemas')}.",
            fix=f"Did you mean {' or '.join(near)}?",
        )
    schema: dict[str, Any] = json.loads((shipped("schemas") / f"{name}.avsc").read_text("utf-8"))
    return schema


def field_names(name: str) -> list[str]:
    """Name the fields of a schema.

    Raises
    ------
    HeadraceError
        There is no schema of that name.
    """
    return [field["name"] for field in load_schema(name)["fields"]]


def nullable_fields(name: str) -> list[str]:
    """Name the fields of a schema that may be null.

    Raises
    ------
    HeadraceError
        There is no schema of that name.
    """
    fields = load_schema(name)["fields"]
    unions = [field for field in fields if isinstance(field["type"], list)]
    return [field["name"] for field in unions if "null" in field["type"]]
