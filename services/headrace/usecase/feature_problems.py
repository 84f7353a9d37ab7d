"""What a charter's features get wrong: unknown names, what cannot be computed, what is never so."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from headrace.usecase.bounds import UNKNOWN, Bounds, bounds_of
from headrace.usecase.checks import Check
from headrace.usecase.events import Events
from headrace.usecase.feature_kinds import (
    ClipFeature,
    Feature,
    FieldFeature,
    FlagFeature,
    LogFeature,
    RatioFeature,
    WindowFeature,
)
from headrace.usecase.problems import Problem, unknown

LONGEST_WINDOW_MS: Final = 400 * 86_400_000
"""A key's history is kept in memory: a year, and what a leap year and a season's shift add."""


def feature_problems(
    events: Events, features: Sequence[Feature], fields: Collection[str] | None
) -> Iterator[Problem]:
    """Yield everything that is wrong with features that are each well declared.

    Parameters
    ----------
    events
        With the checks, which say what a field may be; parts of it may be absent.
    features
        In their order; what is no feature, because it is wrong in itself, is passed over, and only
        its name counts.
    fields
        Those of the events' schema; None where it is not known.
    """
    search = _Search(events, [_name(feature) for feature in features], fields)
    for place, feature in enumerate(features):
        yield from search.problems(place, feature)


class _Search:
    """Goes through the features in their order; each may use what is before it."""

    def __init__(
        self, events: Events, names: Sequence[str | None], fields: Collection[str] | None
    ) -> None:
        self._amount: str = getattr(events, "amount", "")
        checks: Mapping[str, Any] = getattr(events, "checks", {})
        self._checks = {field: c for field, c in checks.items() if isinstance(c, Check)}
        self._broken = checks.keys() - self._checks.keys()
        self._names = names
        self._fields = fields
        self._before: dict[str, Bounds] = {}

    def problems(self, place: int, feature: Any) -> Iterator[Problem]:
        """Yield what is wrong with a feature, and let those behind it use it."""
        name = self._names[place]
        if name in self._before:
            yield Problem(("features", place, "name"), f"{name} is declared twice")
        if name in (self._fields or ()) and getattr(feature, "field", name) != name:
            yield Problem(("features", place, "name"), f"{name} is a field, and this is another")
        for key, message in self._wrong(feature):
            yield Problem(("features", place, key), message)
        if name is not None:
            whole = hasattr(type(feature), "__pydantic_fields__")
            bounds = bounds_of(feature, self._bounds, self._amount) if whole else UNKNOWN
            self._before.setdefault(name, bounds)

    def _wrong(self, feature: Any) -> Iterator[tuple[str, str]]:
        if isinstance(feature, FieldFeature):
            yield from self._wrong_field("field", feature.field, nullable=feature.default)
        elif isinstance(feature, WindowFeature):
            yield from self._wrong_window(feature)
        elif isinstance(feature, RatioFeature):
            for name in feature.ratio:
                yield from self._wrong_operand("ratio", name)
        elif isinstance(feature, LogFeature):
            yield from self._wrong_log(feature)
        elif isinstance(feature, ClipFeature):
            yield from self._wrong_operand("clip", feature.clip)
        elif isinstance(feature, FlagFeature):
            yield from self._wrong_flag(feature)

    def _wrong_window(self, feature: WindowFeature) -> Iterator[tuple[str, str]]:
        if feature.window_ms > LONGEST_WINDOW_MS:
            longest = LONGEST_WINDOW_MS // 86_400_000
            yield "window", f"a key's history is kept for {longest}d at most"
        if feature.of is not None:
            yield from self._wrong_text("of", feature.of)

    def _wrong_log(self, feature: LogFeature) -> Iterator[tuple[str, str]]:
        wrong = list(self._wrong_operand("log", feature.log))
        yield from wrong
        low = self._bounds(feature.log).low
        if not wrong and low < 0:
            yield "log", f"{feature.log} may be negative (from {low:g}): clip it with min = 0 first"

    def _wrong_flag(self, feature: FlagFeature) -> Iterator[tuple[str, str]]:
        comparison, constant = feature.comparison
        if comparison == "one_of" and isinstance(constant[0], str):
            if feature.flag in self._before:
                yield "flag", f"{feature.flag} is a number, and one_of has texts"
                return
            yield from self._wrong_text("flag", feature.flag)
            check = self._checks.get(feature.flag)
            known = None if check is None else check.one_of
            for text in sorted(set(constant) - set(known or constant)):
                yield "one_of", unknown(f"value of {feature.flag}", text, known or ())
            return
        wrong = list(self._wrong_operand("flag", feature.flag))
        yield from wrong
        bounds = self._bounds(feature.flag)
        if not wrong and not _may_hold(comparison, constant, bounds):
            low, high = bounds
            yield comparison, f"is never so: {feature.flag} is from {low:g} to {high:g}"

    def _wrong_operand(self, key: str, name: str) -> Iterator[tuple[str, str]]:
        """Yield why a name is no number to compute with here."""
        if name in self._before:
            return
        if name in self._names and name not in (self._fields or self._checks):
            yield key, f"{name} is declared after it: a feature uses what is before it"
        elif self._fields is not None and name not in self._fields:
            yield key, unknown("field or feature before it", name, [*self._before, *self._fields])
        else:
            yield from self._wrong_field(key, name)

    def _wrong_field(
        self, key: str, field: str, nullable: float | None = None
    ) -> Iterator[tuple[str, str]]:
        """Yield why a field is no bounded number; ``nullable`` stands for null, where it may be."""
        check = self._checks.get(field)
        if self._fields is not None and field not in self._fields:
            yield key, unknown("field of the event", field, self._fields)
        elif field in self._broken:
            return  # which is told with the check
        elif check is None or check.min is None or check.max is None:
            yield key, f"{field} needs a check in [events.checks] with min and max"
        elif check.nullable and nullable is None:
            what = "declare a default" if key == "field" else "make it a feature with a default"
            yield key, f"{field} may be null: {what}"

    def _wrong_text(self, key: str, field: str) -> Iterator[tuple[str, str]]:
        """Yield why a field is no text."""
        check = self._checks.get(field)
        if self._fields is not None and field not in self._fields:
            yield key, unknown("field of the event", field, self._fields)
        elif field in self._broken:
            return  # which is told with the check
        elif check is None:
            yield key, f"{field} needs a check in [events.checks] with one_of or max_length"
        elif check.one_of is None and check.max_length is None:
            yield key, f"{field} is a number, and a text is needed"

    def _bounds(self, name: str) -> Bounds:
        """Return the bounds of a feature before, or of a field."""
        if name in self._before:
            return self._before[name]
        check = self._checks.get(name)
        if check is None or check.min is None or check.max is None:
            return UNKNOWN
        return Bounds(check.min, check.max)


def _may_hold(comparison: str, constant: Any, bounds: Bounds) -> bool:
    low, high = bounds
    match comparison:
        case "above":
            return bool(high > constant)
        case "at_least":
            return bool(high >= constant)
        case "below":
            return bool(low < constant)
        case "at_most":
            return bool(low <= constant)
        case _:
            return any(low <= each <= high for each in constant)


def _name(feature: Any) -> str | None:
    """Return the name also of what is only partly right."""
    name: str | None = getattr(feature, "name", None)
    return name
