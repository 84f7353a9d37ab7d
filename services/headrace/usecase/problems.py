"""What is wrong with a charter: all of it at once, with the line and what would be right."""

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple, get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from headrace.errors import HeadraceError
from headrace.usecase.located import KeyPath, line_of, lines_of

_UNKNOWN_KEY = ("extra_forbidden", "unexpected_keyword_argument")


class Problem(NamedTuple):
    """One thing to mend."""

    path: KeyPath
    message: str


def charter_error(file: Path, text: str, problems: Collection[Problem]) -> HeadraceError:
    """Return the error that lists all problems in the order of the file's lines."""
    lines = lines_of(text)
    located = sorted((line_of(problem.path, lines) or 0, problem) for problem in problems)
    listed = [
        f"  {f'line {line}, ' if line else ''}{'.'.join(map(str, path)) or 'the file'}: {message}"
        for line, (path, message) in located
    ]
    count = "an error" if len(listed) == 1 else f"{len(listed)} errors"
    return HeadraceError(
        "\n".join((f"The charter {file} has {count}:", *listed)),
        fix="Correct what is listed; nothing was started.",
    )


def declared_wrongly(error: ValidationError, declaration: type) -> Iterator[Problem]:
    """Translate what pydantic found in a ``declaration``."""
    for found in error.errors(include_url=False):
        path = found["loc"]
        if found["type"] in _UNKNOWN_KEY:
            yield Problem(path, unknown("key", str(path[-1]), _keys(declaration, path[:-1])))
        elif found["type"] == "value_error":
            yield Problem(path, str(found["ctx"]["error"]))
        else:
            yield Problem(path, found["msg"].removeprefix("Input "))


def unknown(what: str, name: str, known: Collection[str]) -> str:
    """Say that a name is unknown, and which one may have been meant."""
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
    return f"there is no {what} {name}; {hint}"


def _keys(declaration: Any, path: KeyPath) -> list[str]:
    """Return the keys that may stand at a path."""
    for part in path:
        fields = _fields(declaration)
        if fields:
            declaration = fields[str(part)].annotation
        else:  # a dict's values, or a tuple's elements
            declaration = next(a for a in reversed(get_args(declaration)) if a is not Ellipsis)
    return list(_fields(declaration))


def _fields(declaration: Any) -> Mapping[str, FieldInfo]:
    fields: dict[str, FieldInfo] = getattr(declaration, "__pydantic_fields__", {})
    return {field.alias or name: field for name, field in fields.items()}
