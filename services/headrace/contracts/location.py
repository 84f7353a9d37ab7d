"""Where the files are that the distribution ships beside its code."""

from pathlib import Path
from typing import Literal

_PACKAGE = Path(__file__).resolve().parents[1]
_CHECKOUT = _PACKAGE.parents[1]


def shipped(name: Literal["schemas", "deploy"]) -> Path:
    """Return the folder: the installed copy where there is one, else the checkout's."""
    installed = _PACKAGE / "_shipped" / name
    return installed if installed.is_dir() else _CHECKOUT / name
