"""Conditions on a record's fields, as ``--where field=value`` gives them, and fields as text."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import orjson

from headrace.commands.console import as_json
from headrace.errors import HeadraceError


def conditions(where: Sequence[str], schema: Mapping[str, Any] | None) -> dict[str, str]:
    """Read ``field=value`` pairs; a field that the topic's newest schema lacks is an error.

    Raises
    ------
    HeadraceError
        A pair without ``=``, or an unknown field.
    """
    wanted = {}
    fields = [field["name"] for field in schema["fields"]] if schema else None
    for pair in where:
        name, equals, value = pair.partition("=")
        if not equals:
            raise HeadraceError(f"--where {pair} is not field=value.", fix="As action=decline.")
        if fields is not None and name not in fields:
            near = get_close_matches(name, fields, n=1)
            fix = f"Did you mean {near[0]}?" if near else f"The fields: {', '.join(fields)}."
            raise HeadraceError(f"The topic's records have no field {name!r}.", fix=fix)
        wanted[name] = value
    return wanted


def matches(record: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    """Say whether every named field shows as the value; numbers are compared as numbers."""
    return all(name in record and _equals(record[name], text) for name, text in wanted.items())


def _equals(value: object, text: str) -> bool:
    if isinstance(value, float):
        try:
            return value == float(text)
        except ValueError:
            return False
    return as_text(value) == text


def as_text(value: object) -> str:
    """Write one field's value: bytes as hexadecimal, lists and null as in JSON."""
    shown = as_json(value)
    return shown if isinstance(shown, str) else orjson.dumps(shown).decode()
