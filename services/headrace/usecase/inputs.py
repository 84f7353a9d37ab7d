"""What decisions are made from: every name that features and rules look at."""

from collections.abc import Iterator
from typing import Any, Final

from headrace.usecase.located import KeyPath
from headrace.usecase.salvage import as_far_as_known

_OPERANDS: Final = ("field", "of", "ratio", "log", "clip", "flag")
"""The keys of a feature that name a field, or a feature before it."""


def inputs(charter: Any) -> Iterator[tuple[KeyPath, str]]:
    """Yield where a field or a feature is looked at, and its name.

    Parameters
    ----------
    charter
        The whole charter, or what is right of one.
    """
    with as_far_as_known():
        for place, feature in enumerate(charter.features):
            for key in _OPERANDS:
                for name in _names(getattr(feature, key, None)):
                    yield ("features", place, key), name
    with as_far_as_known():
        for name, profile in charter.profiles.items():
            with as_far_as_known():
                yield ("profiles", name, "key"), profile.key
    with as_far_as_known():
        for place, rule in enumerate(charter.rules):
            for number, condition in enumerate(getattr(rule, "when", ())):
                for name in _names(getattr(condition, "field", None)):
                    yield ("rules", place, "when", number, "field"), name


def _names(operand: object) -> tuple[str, ...]:
    if isinstance(operand, tuple):
        return tuple(str(name) for name in operand)
    return () if operand is None else (str(operand),)
