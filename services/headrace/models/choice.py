"""Which published model is to serve: a person's word stands, whatever has learned since.

People and the learning service write under keys of their own, so neither overwrites the other,
whoever of them is slow.
"""

from collections.abc import Mapping
from typing import Any, Final

CHAMPION: Final = "champion"
"""The key of what the learning service says."""
PERSON: Final = "champion/person"
"""The key of what people say."""
LEARNING: Final = "learning"
"""By whom a person's word is that hands the choice back."""

Serving = Mapping[str, Any]
"""A ``ServingChanged``."""


def is_pinned(servings: Mapping[str, Serving]) -> bool:
    """Tell whether a person has said who serves, and has not handed that back."""
    word = servings.get(PERSON)
    return word is not None and word["by"] != LEARNING


def to_serve(servings: Mapping[str, Serving]) -> Serving | None:
    """Return what is to serve; None where nobody has said it.

    Parameters
    ----------
    servings
        The latest of each key.
    """
    if is_pinned(servings):
        return servings[PERSON]
    words = [servings[key] for key in (CHAMPION, PERSON) if key in servings]
    return max(words, key=lambda each: each["changed_at_ms"], default=None)
