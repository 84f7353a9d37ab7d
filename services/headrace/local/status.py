"""How a part of the stack is, whether local or one's own."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

State = Literal["ready", "not ready", "stopped"]


@dataclass(frozen=True, slots=True)
class PartStatus:
    """How one part is; what only a local process has is None for a cluster of one's own."""

    name: str
    state: State
    address: str
    pid: int | None = None
    since: datetime | None = None
    log: Path | None = None
    reason: str = ""
    """Why it is not ready, where that is known."""
