"""How the parts of a charter are declared: strictly, with nothing unknown."""

import re
import sys
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, PlainValidator, StringConstraints

STRICT = ConfigDict(extra="forbid")

_UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


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


Number = Annotated[float, PlainValidator(parse_number)]
DurationMs = Annotated[int, BeforeValidator(parse_duration_ms), Field(gt=0)]
Text = Annotated[str, StringConstraints(strict=True, min_length=1, strip_whitespace=True)]
