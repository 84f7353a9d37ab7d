"""Which values of an event are believable: declared by field, checked before anything else."""

import sys
from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal, Self

from pydantic import Field, StrictBool, model_validator
from pydantic.dataclasses import dataclass

from headrace.usecase.declared import STRICT, Number, Text
from headrace.usecase.passing import OneOf, Passing, ShortText, Test, Within

Fault = tuple[Literal["invalid_value", "future"], str]
"""The reason for the dead letter, and what exactly was wrong."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Check:
    """What a field's values must be: numbers in a range, one of some texts, or a short text.

    NaN and infinite numbers and empty texts always fail; null fails unless it is ``nullable``.
    """

    min: Number | None = None
    max: Number | None = None
    one_of: tuple[Text, ...] | None = Field(default=None, min_length=1)
    max_length: int | None = Field(default=None, strict=True, gt=0)
    """In characters."""
    nullable: StrictBool = False

    @model_validator(mode="after")
    def _has_one_meaning(self) -> Self:
        numeric = self.min is not None or self.max is not None
        if numeric + (self.one_of is not None) + (self.max_length is not None) != 1:
            raise ValueError("a check is min and/or max, or one_of, or max_length")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}")
        return self

    def is_within(self, low: float, high: float) -> bool:
        """Tell whether only numbers from ``low`` to ``high`` pass."""
        if self.min is None or self.max is None or self.nullable:
            return False
        return low <= self.min and self.max <= high


class EventChecks:
    """Finds what is wrong with an event.

    Parameters
    ----------
    checks
        By field, in the order in which they are made.
    time
        The field with the event time in milliseconds.
    future_skew_ms
        How far ahead of the clock an event time may be.
    personal
        Fields whose values no fault may quote.
    """

    def __init__(
        self,
        checks: Mapping[str, Check],
        time: str,
        future_skew_ms: int,
        personal: Collection[str] = (),
    ) -> None:
        self._complaints = tuple(
            (field, _discreet(_complaint(check)) if field in personal else _complaint(check))
            for field, check in checks.items()
        )
        self.passing = Passing(
            [_test(field, check) for field, check in checks.items()], time, future_skew_ms
        )
        self.passes = self.passing.passes
        """Whether an event that is read at a time (ms) passes all of them."""
        self._time = time
        self._future_skew_ms = future_skew_ms

    def __call__(self, record: Mapping[str, Any], now_ms: int) -> Fault | None:
        """Return the first fault of an event that is read at ``now_ms``, or None."""
        return None if self.passes(record, now_ms) else self.fault(record, now_ms)

    def fault(self, record: Mapping[str, Any], now_ms: int) -> Fault:
        """Return the first fault of an event that does not pass.

        Raises
        ------
        ValueError
            It does pass.
        """
        for field, complain in self._complaints:
            complaint = complain(record[field])
            if complaint is not None:
                return "invalid_value", f"{field} {complaint}"
        ahead_ms = record[self._time] - now_ms
        if ahead_ms > self._future_skew_ms:
            return "future", f"{self._time} is {ahead_ms} ms ahead of the clock"
        raise ValueError("nothing is wrong with it")


def _test(field: str, check: Check) -> Test:
    """Return what tells whether a field passes its check."""
    nullable = check.nullable
    if check.one_of is not None:
        return OneOf(field, frozenset(check.one_of), nullable=nullable)
    if check.max_length is not None:
        return ShortText(field, check.max_length, nullable=nullable)
    return Within(field, *_bounds(check), nullable=nullable)


def _bounds(check: Check) -> tuple[float, float]:
    low = -sys.float_info.max if check.min is None else check.min
    return low, sys.float_info.max if check.max is None else check.max


def _complaint(check: Check) -> Callable[[Any], str | None]:
    """Compile a check into a function that says what is wrong with a value, or None."""
    if check.one_of is not None:
        return _choice(check.one_of, nullable=check.nullable)
    if check.max_length is not None:
        return _text(check.max_length, nullable=check.nullable)
    return _number(*_bounds(check), nullable=check.nullable)


def _discreet(complain: Callable[[Any], str | None]) -> Callable[[Any], str | None]:
    """Say that a value fails, and not what it is."""

    def complain_discreetly(value: Any) -> str | None:
        return None if complain(value) is None else "fails its check (personal: not shown)"

    return complain_discreetly


def _number(low: float, high: float, *, nullable: bool) -> Callable[[Any], str | None]:
    def complain(value: Any) -> str | None:
        if value is None:
            return None if nullable else "is null"
        # NaN compares false with everything.
        return None if low <= value <= high else f"is {value!r}, not from {low} to {high}"

    return complain


def _choice(allowed: tuple[str, ...], *, nullable: bool) -> Callable[[Any], str | None]:
    choices = frozenset(allowed)

    def complain(value: Any) -> str | None:
        if value in choices or (value is None and nullable):
            return None
        return f"is {value!r:.80}, not one of {', '.join(allowed)}"

    return complain


def _text(max_length: int, *, nullable: bool) -> Callable[[Any], str | None]:
    def complain(value: Any) -> str | None:
        if value is None:
            return None if nullable else "is null"
        if not value:
            return "is empty"
        return None if len(value) <= max_length else f"has more than {max_length} characters"

    return complain
