"""Hypothesis strategies for schemas, and for the records of a schema."""

from collections.abc import Iterator
from itertools import count
from typing import Any

from hypothesis import strategies as st

LONGS = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": LONGS | st.integers(-70_000, 70_000),
    "float": st.floats(width=32, allow_nan=False),
    "double": st.floats(allow_nan=False),
    "bytes": st.binary(max_size=80),
    "string": TEXTS,
}


def values(schema: Any, named: dict[str, Any] | None = None) -> st.SearchStrategy[Any]:
    """Values of one schema."""
    named = {} if named is None else named
    if isinstance(schema, list):
        return st.one_of([values(branch, named) for branch in schema])
    if isinstance(schema, str):
        return VALUES[schema] if schema in VALUES else values(named[schema], named)
    if "name" in schema:
        named[f"{schema.get('namespace', 'headrace')}.{schema['name']}"] = schema
    return COMPLEX[schema["type"]](schema, named) if schema["type"] in COMPLEX else VALUES["long"]


def _record(schema: dict[str, Any], named: dict[str, Any]) -> st.SearchStrategy[Any]:
    fields = {field["name"]: values(field["type"], named) for field in schema["fields"]}
    return st.fixed_dictionaries(fields)


COMPLEX = {
    "record": _record,
    "array": lambda schema, named: st.lists(values(schema["items"], named), max_size=5),
    "map": lambda schema, named: st.dictionaries(
        TEXTS, values(schema["values"], named), max_size=5
    ),
    "fixed": lambda schema, _: st.binary(min_size=schema["size"], max_size=schema["size"]),
    "enum": lambda schema, _: st.sampled_from(schema["symbols"]),
}
INNER = st.sampled_from(["string", "long", "double", "bytes"])


@st.composite
def record_schemas(draw: st.DrawFn) -> dict[str, Any]:
    """Schemas of records, nested."""
    return _record_schema(draw, count(), 0)


def _record_schema(draw: st.DrawFn, numbers: Iterator[int], depth: int) -> dict[str, Any]:
    name = f"Record{next(numbers)}"
    kinds = [draw(st.sampled_from(sorted(KINDS))) for _ in range(draw(st.integers(0, 5)))]
    fields = [
        {"name": f"f{number}", "type": KINDS[kind](draw, numbers, depth + 1)}
        for number, kind in enumerate(kinds)
    ]
    # At least one byte, so that an array of it has a length that the input pays for.
    return {"type": "record", "name": name, "fields": [{"name": "id", "type": "int"}, *fields]}


def _inner(draw: st.DrawFn, numbers: Iterator[int], depth: int) -> Any:
    return (
        _record_schema(draw, numbers, depth) if depth < 3 and draw(st.booleans()) else draw(INNER)
    )


KINDS = {
    **{kind: lambda *_, kind=kind: kind for kind in VALUES if kind not in ("null", "float")},
    "record": _inner,
    "array": lambda draw, numbers, depth: {"type": "array", "items": _inner(draw, numbers, depth)},
    "nullable": lambda draw, numbers, depth: ["null", _inner(draw, numbers, depth)],
    "nullable last": lambda draw, numbers, depth: [_inner(draw, numbers, depth), "null"],
    "fixed": lambda draw, numbers, _: {
        "type": "fixed",
        "name": f"Fixed{next(numbers)}",
        "size": draw(st.integers(1, 40)),
    },
}
