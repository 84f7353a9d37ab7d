"""Sentences with numbers in them: declared as templates, checked when the charter is."""

import re
from collections.abc import Callable, Mapping, Sequence
from string import Formatter
from typing import Annotated, Any, Final, NamedTuple

from pydantic import AfterValidator

from headrace.usecase.declared import Text
from headrace.usecase.money import in_words

_SPEC = re.compile(r"(?:,?(?:\.[0-9])?[f%g]?|money)")
VALUE: Final = "value"
USUAL: Final = "usual"


class Place(NamedTuple):
    """Where a number is put into a sentence."""

    before: str
    """The text before it."""
    name: str
    """What is put there; empty at the end of the sentence."""
    spec: str
    """How: Python's, for numbers; ``money``: minor units with their currency."""


def places(template: str) -> list[Place]:
    """Take a template apart.

    Raises
    ------
    ValueError
        A brace is not closed, or between braces is something else than ``name`` or
        ``name:format``.
    """
    found = []
    for before, name, spec, conversion in Formatter().parse(template):
        if name is not None and (conversion or not re.fullmatch(r"[a-z][a-z0-9_]*", name)):
            raise ValueError(f"between braces stands a name, as {{amount_minor:money}}: {name!r}")
        if not _SPEC.fullmatch(spec or ""):
            raise ValueError(f"a number's format is as .1f, .0%, ,.2f or money, not {spec!r}")
        found.append(Place(before, name or "", spec or ""))
    return found


def names(template: str) -> list[str]:
    """Return the names that a template puts into its sentence."""
    return [place.name for place in places(template) if place.name]


def _well_formed(template: str) -> str:
    places(template)
    return template


TemplateText = Annotated[Text, AfterValidator(_well_formed)]


class Template:
    """A template that says sentences.

    Parameters
    ----------
    template
        As it is declared.
    features
        Names of the vector, in its order. Every other name is a field of the event, or given with
        the sentence.
    currency
        The event's field with the currency.
    """

    def __init__(self, template: str, features: Sequence[str], currency: str) -> None:
        self._currency = currency
        self._parts = [_part(place, features) for place in places(template)]

    def say(
        self,
        record: Mapping[str, Any],
        vector: Sequence[float],
        given: Mapping[str, float] | None = None,
    ) -> str:
        """Return the sentence about an event with this vector."""
        currency, own = record[self._currency], given or {}
        return "".join(part(record, vector, own, currency) for part in self._parts)


_Part = Callable[[Mapping[str, Any], Sequence[float], Mapping[str, float], str], str]


def _part(place: Place, features: Sequence[str]) -> _Part:
    before, name, spec = place
    if not name:
        return lambda _record, _vector, _given, _currency: before
    index = features.index(name) if name in features else None

    def part(
        record: Mapping[str, Any],
        vector: Sequence[float],
        given: Mapping[str, float],
        currency: str,
    ) -> str:
        value = given.get(name)
        if value is None:
            value = record[name] if index is None else vector[index]
        return before + _formatted(value, spec, currency)

    return part


def _formatted(value: Any, spec: str, currency: str) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, str):
        return value
    if spec == "money":
        return in_words(value, currency)
    return format(float(value), spec or ".6g")
