"""How the parts of a charter are declared: strictly, with nothing unknown."""

import re
import sys
from typing import Annotated, Any, Final

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.fields import FieldInfo

STRICT = ConfigDict(extra="forbid", use_attribute_docstrings=True)
"""A docstring under a key is what editors show of it; see ``headrace charter schema``."""

DAY_MS: Final = 86_400_000
_UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": DAY_MS}
_SHORT_UNITS_MS = {"ms": 1, "s": 1_000}


def parse_duration_ms(text: object) -> int:
    """Read a duration as ``"90s"``, ``"5m"``, ``"12h"`` or ``"7d"``.

    Raises
    ------
    ValueError
        It is not a whole number of one of these units.
    """
    match = re.fullmatch(r"([0-9]{1,9})([smhd])", text) if isinstance(text, str) else None
    if match is None:
        raise ValueError('a duration is a whole number and a unit: "90s", "5m", "12h", "7d"')
    return int(match[1]) * _UNITS_MS[match[2]]


def duration_text(duration_ms: int) -> str:
    """Return a duration as one may declare it, in the largest unit that it is whole in."""
    unit = next(unit for unit, ms in reversed(_UNITS_MS.items()) if duration_ms % ms == 0)
    return f"{duration_ms // _UNITS_MS[unit]}{unit}"


def parse_latency_ms(text: object) -> int:
    """Read a short duration as ``"200ms"`` or ``"2s"``.

    Raises
    ------
    ValueError
        It is not a whole number of one of these units.
    """
    match = re.fullmatch(r"([0-9]{1,9})(ms|s)", text) if isinstance(text, str) else None
    if match is None:
        raise ValueError('a latency is a whole number and a unit: "200ms", "2s"')
    return int(match[1]) * _SHORT_UNITS_MS[match[2]]


def parse_number(value: Any) -> float:
    """Take a finite number as it is: a whole one stays an ``int``, which compares exactly.

    Raises
    ------
    ValueError
        It is no number, or not finite.
    """
    if type(value) not in (int, float) or not abs(value) <= sys.float_info.max:
        raise ValueError("it should be a finite number")
    number: float = value
    return number


Number = Annotated[float, PlainValidator(parse_number), WithJsonSchema({"type": "number"})]
DurationMs = Annotated[
    int,
    BeforeValidator(parse_duration_ms),
    Field(gt=0),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,9}[smhd]$", "examples": ["7d"]}),
]
LatencyMs = Annotated[
    int,
    BeforeValidator(parse_latency_ms),
    Field(gt=0),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,9}(ms|s)$", "examples": ["200ms"]}),
]
Text = Annotated[str, StringConstraints(strict=True, min_length=1, strip_whitespace=True)]
Slug = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z][a-z0-9_]*$", max_length=128)]
"""A name that others refer to."""
Currency = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Z]{3}$")]
"""A code of ISO 4217."""
Whole = Annotated[int, Field(strict=True, gt=0)]
"""A count, or an amount in minor units."""


def an_example(declaration: type) -> dict[str, Any]:
    """Return a table as one may write it: the first example of each of its keys."""
    fields: dict[str, FieldInfo] = getattr(declaration, "__pydantic_fields__", {})
    return {
        field.alias or name: field.examples[0] for name, field in fields.items() if field.examples
    }
