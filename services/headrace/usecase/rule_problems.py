"""What is wrong between rules, reasons and values, and what they are about.

Each function takes parts that may be broken in themselves, see :mod:`headrace.usecase.salvage`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from headrace.usecase.checks import Check
from headrace.usecase.events import Events
from headrace.usecase.features import Feature
from headrace.usecase.located import KeyPath
from headrace.usecase.problems import Problem, unknown
from headrace.usecase.rules import Condition, Rule
from headrace.usecase.salvage import as_far_as_known
from headrace.usecase.templates import USUAL, VALUE, names


def unfounded_rules(
    rules: Sequence[Rule], events: Events, features: Sequence[Feature]
) -> Iterator[Problem]:
    """Yield what rules are about and is not there, or is of another type."""
    seen: set[str] = set()
    for place, rule in enumerate(rules):
        at: KeyPath = ("rules", place)
        with as_far_as_known():
            if rule.code in seen:
                yield Problem((*at, "code"), f"{rule.code} is declared twice")
            seen.add(rule.code)
        with as_far_as_known():
            for number, condition in enumerate(rule.when):
                with as_far_as_known():
                    yield from _unfounded((*at, "when", number), condition, events, features)
        with as_far_as_known():
            known = _sayable(events, features)
            yield from _unsayable((*at, "words"), rule.words, known)


def unfounded_reasons(
    reasons: Mapping[str, str], events: Events, features: Sequence[Feature]
) -> Iterator[Problem]:
    """Yield every template of something else than a feature, or that names what is not there."""
    with as_far_as_known():
        declared = _names_of(features)
        known = [*_sayable(events, features), VALUE, USUAL]
        for name, template in reasons.items():
            if name not in declared:
                yield Problem(("reasons", name), unknown("feature", name, declared))
            if isinstance(template, str):
                yield from _unsayable(("reasons", name), template, known)


def unpriced(model: Any, values: Any) -> Iterator[Problem]:
    """Yield a probability without values, and values without a probability."""
    with as_far_as_known():
        if (model.family == "logistic") and values is None:
            yield Problem(
                ("values",),
                "is missing: what each outcome is worth in money",
                "add [values], or let the model be of the family linear",
            )
        if model.family == "linear" and values is not None:
            yield Problem(
                ("values",),
                "needs a probability, and the model's family is linear",
                "leave [values] out, or let the model be of the family logistic",
            )


def _unfounded(
    at: KeyPath, condition: Condition, events: Events, features: Sequence[Feature]
) -> Iterator[Problem]:
    if condition.feature is not None:
        declared = _names_of(features)
        if condition.feature not in declared:
            yield Problem((*at, "feature"), unknown("feature", condition.feature, declared))
        elif condition.is_about_text:
            yield Problem((*at, "value"), f"the feature {condition.feature} is a number")
        return
    field = str(condition.field)
    check = events.checks.get(field)
    if check is None:
        yield Problem(
            (*at, "field"), unknown("field with a check in [events.checks]", field, events.checks)
        )
        return
    is_text = check.one_of is not None or check.max_length is not None
    if is_text != condition.is_about_text:
        kind, other = ("a text", "number") if is_text else ("a number", "text")
        yield Problem(at, f"the field {field} is {kind}, and the condition is about a {other}")
    elif condition.value is not None and check.one_of is not None:
        yield from _unknown_choices((*at, "value"), condition, check)


def _unknown_choices(at: KeyPath, condition: Condition, check: Check) -> Iterator[Problem]:
    choices = check.one_of or ()
    values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
    for value in values:
        if value not in choices:
            yield Problem(at, unknown(f"{condition.field}", str(value), choices))


def _unsayable(at: KeyPath, template: str, known: Sequence[str]) -> Iterator[Problem]:
    for name in names(template):
        if name not in known:
            yield Problem(at, unknown("feature, or number of the event,", name, known))


def _sayable(events: Events, features: Sequence[Feature]) -> list[str]:
    """Return what may be put into words: the features, and fields that tell nobody apart."""
    fields = [
        field
        for field, check in events.checks.items()
        if check.max_length is None and field not in events.personal
    ]
    return [*_names_of(features), *fields]


def _names_of(features: Sequence[Feature]) -> list[str]:
    known = []
    for feature in features:
        with as_far_as_known():
            known.append(feature.name)
    return known
