"""A mapping file: which column of a recorded data set becomes which field of the event."""

import tomllib
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from headrace.errors import HeadraceError

Conversion: TypeAlias = Literal[
    "text",  # integers or strings
    "cents",  # a decimal number in major units to hundredths, exactly
    "utc_ms",  # a timestamp, in UTC where it names no zone, to milliseconds
]
Schema: TypeAlias = Dictionary[str, Any]
_AVRO_TYPE: Dictionary[Conversion, str] = {"text": "string", "cents": "long", "utc_ms": "long"}


class Column(BaseModel):
    """Where a field comes from, and how."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = Field(alias="from", min_length=1)
    conversion: Conversion = Field(alias="as")


class Label(BaseModel):
    """Where it stands what an event really was."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = Field(alias="from", min_length=1)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: dict[str, Column] = Field(min_length=1)
    constants: dict[str, str] = {}
    label: Label | None = None


@dataclass(frozen=True, slots=True)
class Mapping:
    """Where each of an event's fields comes from."""

    columns: Dictionary[str, Column]
    """Fields that come from the data set."""
    fixed: Dictionary[str, Any]
    """Fields that are the same in every event: the constants, and the schema's own defaults."""
    label: str | None = None
    """The column that says what an event really was: positive where it is not 0."""

    @classmethod
    def load(cls, path: Path, event_schema: Schema) -> Self:
        """Read a mapping and hold it to the event's Avro schema.

        Raises
        ------
        HeadraceError
            Unreadable, not a mapping, or not one for this schema; says what was expected.
        """
        try:
            file = _File.model_validate(tomllib.loads(path.read_text()))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise HeadraceError(
                f"cannot read the mapping {path}: {error}", fix="Give a TOML file with --mapping."
            ) from error
        except ValidationError as error:
            problems = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
            raise _refused(path, problems) from error
        if problems := _problems(file, event_schema):
            raise _refused(path, problems)
        defaults = {f["name"]: f["default"] for f in event_schema["fields"] if "default" in f}
        rest = {name: value for name, value in defaults.items() if name not in file.columns}
        label = None if file.label is None else file.label.source
        return cls(file.columns, {**rest, **file.constants}, label)


def _problems(file: _File, event_schema: Schema) -> list[str]:
    given = {name: _AVRO_TYPE[column.conversion] for name, column in file.columns.items()}
    given |= dict.fromkeys(file.constants, "string")
    fields = {field["name"]: field for field in event_schema["fields"]}
    both = sorted(file.columns.keys() & file.constants.keys())
    problems = [f"{name} is both a column and a constant" for name in both]
    for name, avro_type in given.items():
        if name not in fields:
            problems.append(f"the event has no field {name}; it has {', '.join(fields)}")
        elif avro_type not in (needed := _types(fields[name]["type"])):
            problems.append(f"{name} would be a {avro_type}; the event needs {' or '.join(needed)}")
    missing = [name for name in fields if name not in given and "default" not in fields[name]]
    return problems + [f"{name} has neither a column nor a constant" for name in missing]


def _types(avro_type: Any) -> list[str]:
    """Name the types that a field admits: a union admits several."""
    if isinstance(avro_type, list):
        return [name for branch in avro_type for name in _types(branch)]
    return _types(avro_type["type"]) if isinstance(avro_type, dict) else [avro_type]


def _refused(path: Path, problems: list[str]) -> HeadraceError:
    return HeadraceError(
        f"the mapping {path} does not fit: {'; '.join(problems)}",
        fix='A field is [columns.FIELD] with from = "COLUMN" and as = "text", "cents" or "utc_ms", '
        'or FIELD = "text" under [constants].',
    )
