"""Whether the hot path runs compiled (``pyproject.toml`` says which modules)."""

from typing import Final

from headrace.contracts import varint

IS_COMPILED: Final = not varint.__file__.endswith(".py")
