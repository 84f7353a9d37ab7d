"""What applying the contract would change, one line for each topic and each schema."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Change:
    """The difference between what is declared and what is there."""

    what: Literal["topic", "schema"]
    name: str
    """The topic, or the registry's subject."""
    change: Literal["create", "configure", "register", "unchanged", "refused"]
    detail: str
