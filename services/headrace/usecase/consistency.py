"""What the parts of a charter demand of each other."""

import sys
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from headrace.usecase.events import Events
from headrace.usecase.features import Feature
from headrace.usecase.located import KeyPath
from headrace.usecase.problems import Problem, unknown
from headrace.usecase.scorecard import Scorecard

MOST_MINOR: Final = 10**12
"""Largest amount that a charter may let through: sums of nine million such fit into 64 bits."""


def unknown_fields(
    events: Events, features: Sequence[Feature], fields: Collection[str]
) -> Iterator[Problem]:
    """Yield every name that is no field of the events."""
    roles: list[tuple[KeyPath, str]] = [
        (("events", role), getattr(events, role))
        for role in ("id", "key", "time", "amount", "currency")
    ]
    checked: list[tuple[KeyPath, str]] = [
        (("events", "checks", field), field) for field in events.checks
    ]
    for path, field in (*roles, *checked, *_feature_fields(features)):
        if field not in fields:
            yield Problem(path, unknown("field of the event", field, fields))


def unbounded_numbers(events: Events, features: Sequence[Feature]) -> Iterator[Problem]:
    """Yield every number that is computed with, but may be anything in a valid event."""
    amount = events.checks.get(events.amount)
    if amount is None or not amount.is_within(-MOST_MINOR, MOST_MINOR):
        yield Problem(("events", "amount"), _needs_check(events.amount, "min and max within 10^12"))
    time = events.checks.get(events.time)
    if time is None or time.min is None or time.nullable:
        yield Problem(("events", "time"), _needs_check(events.time, "min"))
    for path, field in _feature_fields(features):
        check = events.checks.get(field)
        if check is None or not check.is_within(-sys.float_info.max, sys.float_info.max):
            yield Problem(path, _needs_check(field, "min and max"))


def repeated_names(features: Sequence[Feature]) -> Iterator[Problem]:
    """Yield every feature whose name was taken before."""
    seen: set[str] = set()
    for place, feature in enumerate(features):
        if feature.name in seen:
            yield Problem(("features", place, "name"), f"{feature.name} is declared twice")
        seen.add(feature.name)


def unmatched_terms(features: Sequence[Feature], scorecard: Scorecard) -> Iterator[Problem]:
    """Yield every term without its feature, and every feature without its term."""
    names = [feature.name for feature in features]
    for name in scorecard.features:
        if name not in names:
            yield Problem(("model", "features", name), unknown("feature", name, names))
    for name in sorted(set(names) - set(scorecard.features)):
        yield Problem(("model", "features"), f"the feature {name} has no term")


def _feature_fields(features: Sequence[Feature]) -> list[tuple[KeyPath, str]]:
    return [
        (("features", place, "field"), feature.field)
        for place, feature in enumerate(features)
        if feature.field is not None
    ]


def _needs_check(field: str, bounds: str) -> str:
    return f"{field} needs a check in [events.checks] with {bounds}, and not nullable"
