"""What the parts of a charter demand of each other.

Each function takes parts that may be broken in themselves, see :mod:`headrace.usecase.salvage`.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from headrace.usecase.events import Events
from headrace.usecase.features import Feature
from headrace.usecase.located import KeyPath
from headrace.usecase.problems import Problem, unknown
from headrace.usecase.salvage import as_far_as_known
from headrace.usecase.scorecard import Scorecard

MOST_MINOR: Final = 10**12
"""Largest amount that a charter may let through: sums of nine million such fit into 64 bits."""


def unknown_fields(events: Events, fields: Collection[str]) -> Iterator[Problem]:
    """Yield every name in ``[events]`` that is no field of the events."""
    for path, field in _event_fields(events):
        if field not in fields:
            yield Problem(path, unknown("field of the event", field, fields))


def unbounded_roles(events: Events) -> Iterator[Problem]:
    """Yield the amount and the event time where they may be anything in a valid event."""
    with as_far_as_known():
        amount = events.checks.get(events.amount)
        if amount is None or not amount.is_within(-MOST_MINOR, MOST_MINOR):
            bounds = "min and max within 10^12"
            yield Problem(("events", "amount"), _needs_check(events.amount, bounds))
    with as_far_as_known():
        time = events.checks.get(events.time)
        if time is None or time.min is None or time.nullable:
            yield Problem(("events", "time"), _needs_check(events.time, "min"))


def unmatched_terms(
    features: Sequence[Feature], scorecard: Scorecard, *, is_whole: bool
) -> Iterator[Problem]:
    """Yield every term without its feature and, of a whole scorecard, the features without term.

    One that decides only until something has been learned may leave features out.
    """
    names = [feature.name for feature in features]
    for name in scorecard.features:
        if name not in names:
            yield Problem(("model", "features", name), unknown("feature", name, names))
    for name in sorted(set(names) - set(scorecard.features)) if is_whole else ():
        yield Problem(("model", "features"), f"the feature {name} has no term")


def _event_fields(events: Events) -> Iterator[tuple[KeyPath, str]]:
    for role in ("id", "key", "time", "amount", "currency"):
        with as_far_as_known():
            yield ("events", role), getattr(events, role)
    with as_far_as_known():
        yield from ((("events", "checks", field), field) for field in events.checks)
    with as_far_as_known():
        for place, field in enumerate(events.personal):
            if isinstance(field, str):
                yield ("events", "personal", place), field


def _needs_check(field: str, bounds: str) -> str:
    return f"{field} needs a check in [events.checks] with {bounds}, and not nullable"
