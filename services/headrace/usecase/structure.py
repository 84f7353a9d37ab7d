"""What is wrong with a charter's structure, in words: keys, kinds of values, ranges."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from headrace.usecase.located import KeyPath
from headrace.usecase.problems import Problem, unknown
from headrace.usecase.salvage import alternatives
from headrace.usecase.toml import key_as_toml, value_as_toml

_UNKNOWN_KEY = ("extra_forbidden", "unexpected_keyword_argument")


def declared_wrongly(
    error: ValidationError, declaration: type, document: Mapping[str, Any]
) -> Iterator[Problem]:
    """Translate what pydantic found in a document that should be a ``declaration``."""
    errors = error.errors(include_url=False)
    for found in errors:
        if found["type"] == "too_short" and any(_within(each, found) for each in errors):
            continue  # only for lack of elements that are right
        path = _as_written(found["loc"], document)
        *table, name = path or ("",)
        fields = _fields_at(declaration, tuple(table))
        if found["type"] in _UNKNOWN_KEY:
            yield Problem(path, unknown("key", str(name), list(fields)))
        elif found["type"] == "missing":
            yield Problem(path, *_missing(str(name), fields.get(str(name))))
        else:
            yield Problem(path, *_wrong(found, fields.get(str(name))))


def _within(found: ErrorDetails, outer: ErrorDetails) -> bool:
    place = outer["loc"]
    return len(found["loc"]) > len(place) and found["loc"][: len(place)] == place


def _wrong(found: ErrorDetails, field: FieldInfo | None) -> tuple[str, str]:
    """Say what is wrong with a value, and what would be right."""
    right = found["msg"].removeprefix("Input ").removeprefix("String ")
    written = found["input"]
    shown = f"{written!r:.60}" if isinstance(written, str | int | float) else ""
    match found["type"]:
        case "value_error":
            return str(found["ctx"]["error"]), ""
        case "literal_error":
            return (f"is {shown}" if shown else "is none of the choices"), f"it {right}"
        case _:
            return f"{right} and not {shown}" if shown else right, _for_example(field)


def _missing(name: str, field: FieldInfo | None) -> tuple[str, str]:
    """Say what a key would declare, and how it may look."""
    about = f": {_sentence(field.description)}" if field and field.description else ""
    if field and field.examples:
        return f"is missing{about}", f"add {key_as_toml(name, field.examples[0])}"
    required = _required(field.annotation) if field else []
    table = f"[{name}] with {', '.join(required)}" if required else name
    return f"is missing{about}", f"add {table}"


def _required(declaration: Any) -> list[str]:
    return [name for name, field in _fields(declaration).items() if field.is_required()]


def _sentence(description: str) -> str:
    return " ".join(description.split()).removesuffix(".")


def _for_example(field: FieldInfo | None) -> str:
    if field is None or not field.examples or isinstance(field.examples[0], dict):
        return ""
    return f"for example {value_as_toml(field.examples[0])}"


def _as_written(loc: Sequence[str | int], document: Any) -> KeyPath:
    """Return pydantic's path without what is not in the file: it names the kinds of a union."""
    path: list[str | int] = []
    if loc[-1:] == ("[key]",):  # of a name in a table, not of its value
        loc = loc[:-1]
    for part in loc[:-1]:
        try:
            document = document[part]
        except (KeyError, IndexError, TypeError):
            continue
        path.append(part)
    return (*path, *loc[-1:])


def _fields_at(declaration: Any, path: KeyPath) -> dict[str, FieldInfo]:
    """Return the keys that may stand in the table at a path."""
    declarations = [declaration]
    for part in path:
        declarations = [inner for outer in declarations for inner in _inside(outer, part)]
    return {name: field for each in declarations for name, field in _fields(each).items()}


def _inside(declaration: Any, part: str | int) -> list[Any]:
    fields = _fields(declaration)
    if not fields:  # a dict's values, or a tuple's elements
        elements = [each for each in get_args(declaration) if each is not Ellipsis]
        return alternatives(elements[-1]) if elements else []
    return alternatives(fields[str(part)].annotation) if part in fields else []


def _fields(declaration: Any) -> dict[str, FieldInfo]:
    fields: dict[str, FieldInfo] = getattr(declaration, "__pydantic_fields__", {})
    return {field.alias or name: field for name, field in fields.items()}
