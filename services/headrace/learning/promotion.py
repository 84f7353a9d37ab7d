"""Who says which model serves: a person's word stands, whatever has learned since."""

from collections.abc import Mapping
from typing import Any, Final

CHAMPION: Final = "champion"


def is_pinned(serving: Mapping[str, Any] | None, service: str) -> bool:
    """Tell whether a person has said who serves: then no service says otherwise."""
    return serving is not None and serving["by"] != service
