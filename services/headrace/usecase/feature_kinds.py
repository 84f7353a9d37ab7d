"""The kinds of features that a charter may declare, one model each."""

from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, Discriminator, Field, StringConstraints, Tag, model_validator
from pydantic.dataclasses import dataclass

from headrace.usecase.declared import STRICT, DurationMs, Number, Text

FeatureName = Annotated[
    str, StringConstraints(strict=True, pattern=r"^[a-z][a-z0-9_]*$", max_length=128)
]
AggregateName = Literal["count", "sum", "mean", "max", "std", "distinct", "seconds_since_last"]
MeasureName = Literal["count", "positives", "positive_share"]
CalendarName = Literal["hour", "weekday", "weekend", "night"]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # or a path out of the database, a folder
        near = get_close_matches(name, available_timezones(), n=1)
        hint = f"did you mean {near[0]}?" if near else "one is named as UTC, or Europe/Berlin"
        raise ValueError(f"there is no time zone {name}; {hint}") from None
    return name


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Declared:
    """What every feature has."""

    name: FeatureName
    unit: Text | None = None
    description: Text | None = None


@dataclass(frozen=True, kw_only=True, config=STRICT)
class FieldFeature(Declared):
    """A numeric field of the event."""

    field: Text
    default: Number | None = None
    """Stands for null; a field that may be null needs one."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class WindowFeature(Declared):
    """An aggregate of the key's events in the window that ends at the event."""

    aggregate: AggregateName
    """Of the amounts; ``std`` is the population's."""
    window_ms: DurationMs = Field(alias="window")
    of: Text | None = None
    """The field whose distinct values are counted."""
    default: Number | None = None
    """Seconds since the last event where there is none in the window."""

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        if (self.aggregate == "distinct") != (self.of is not None):
            raise ValueError("aggregate distinct, and no other, needs of: the field that it counts")
        if (self.aggregate == "seconds_since_last") != (self.default is not None):
            raise ValueError(
                "aggregate seconds_since_last, and no other, needs default: "
                "its value where the window holds no earlier event"
            )
        return self


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ProfileFeature(Declared):
    """What is known of others than the stream's own key, in a window that ends before the event."""

    profile: Text
    """Its name in ``[profiles]``."""
    measure: MeasureName
    """Events, those of them known to be positive, or their share (0 where there is no event)."""
    window_ms: DurationMs = Field(alias="window")
    delay_ms: DurationMs = Field(alias="delay")
    """How long before the event the window ends, so that labels have had time to come."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class CalendarFeature(Declared):
    """What the clock and the calendar said when it happened."""

    calendar: CalendarName
    """The hour 0 to 23, the weekday 0 (Monday) to 6, or 1 at a weekend or by night (up to 6:59)."""
    zone: Annotated[Text, AfterValidator(_zone)] = "UTC"

    @property
    def time_zone(self) -> ZoneInfo | None:
        """The zone; None is UTC."""
        return None if self.zone == "UTC" else ZoneInfo(self.zone)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class RatioFeature(Declared):
    """One number by another."""

    ratio: Annotated[tuple[Text, ...], Field(min_length=2, max_length=2)]
    """Numerator and denominator."""
    default: Number
    """Where the denominator is 0, or so near to it that the quotient is no finite number."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class LogFeature(Declared):
    """log(1 + x), of what is never negative."""

    log: Text


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ClipFeature(Declared):
    """A number, held within bounds."""

    clip: Text
    min: Number | None = None
    max: Number | None = None

    @model_validator(mode="after")
    def _has_bounds(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("a clip needs min, or max, or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}")
        return self


COMPARISONS: Final = ("above", "at_least", "below", "at_most", "one_of")


@dataclass(frozen=True, kw_only=True, config=STRICT)
class FlagFeature(Declared):
    """1 where a comparison holds, else 0; a field that is null compares with nothing."""

    flag: Text
    """A feature, or a field: of numbers or, with ``one_of``, of texts."""
    above: Number | None = None
    at_least: Number | None = None
    below: Number | None = None
    at_most: Number | None = None
    one_of: tuple[Text, ...] | tuple[Number, ...] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _is_one_comparison(self) -> Self:
        if sum(getattr(self, name) is not None for name in COMPARISONS) != 1:
            raise ValueError(f"a flag is exactly one of {', '.join(COMPARISONS)}")
        return self

    @property
    def comparison(self) -> tuple[str, Any]:
        """The comparison's name and what it compares with."""
        return next(
            (name, getattr(self, name)) for name in COMPARISONS if getattr(self, name) is not None
        )


_KINDS: Final = ("field", "aggregate", "profile", "calendar", "ratio", "log", "clip", "flag")


def _kind(declared: Any) -> str | None:
    keys = declared if isinstance(declared, Mapping) else _names(declared)
    kinds = [kind for kind in _KINDS if kind in keys]
    return _tag(kinds[0]) if len(kinds) == 1 else None


def _tag(kind: str) -> str:
    """Name a kind as no key is named: pydantic puts it into the path of an error."""
    return f"a feature by {kind}"


def _names(declared: Any) -> list[str]:
    return [field.name for field in fields(declared)] if hasattr(declared, "name") else []


Feature = Annotated[
    Annotated[FieldFeature, Tag(_tag("field"))]
    | Annotated[WindowFeature, Tag(_tag("aggregate"))]
    | Annotated[ProfileFeature, Tag(_tag("profile"))]
    | Annotated[CalendarFeature, Tag(_tag("calendar"))]
    | Annotated[RatioFeature, Tag(_tag("ratio"))]
    | Annotated[LogFeature, Tag(_tag("log"))]
    | Annotated[ClipFeature, Tag(_tag("clip"))]
    | Annotated[FlagFeature, Tag(_tag("flag"))],
    Discriminator(
        _kind,
        custom_error_type="kind_of_feature",
        custom_error_message=f"a feature is exactly one of {', '.join(_KINDS)}",
    ),
]
