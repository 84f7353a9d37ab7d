"""Lists of entities that rules look at, and that people change while the service runs."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import StringConstraints

ListName = Annotated[
    str, StringConstraints(strict=True, pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=64)
]


def entity_key(name: str, entity: str) -> str:
    """Return the key of the record that says whether an entity is on a list."""
    return f"{name}/{entity}"


class EntityLists:
    """The lists as they are now.

    Parameters
    ----------
    entries
        The latest record of each key (``platform/EntityListed``).
    """

    def __init__(self, entries: Mapping[str, Mapping[str, Any]]) -> None:
        self._entries = entries

    def has(self, name: str, entity: str) -> bool:
        """Tell whether an entity is on a list."""
        entry = self._entries.get(entity_key(name, entity))
        return entry is not None and entry["listed"]
