"""What a demo is to be like."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Plan:
    """What to publish, and how."""

    file: Path | None
    limit: int | None
    events: int
    seed: int
    rate: float | None
    with_echo: bool
    keep: bool
    learn: bool = True
    """Whether models learn beside, from labels; where a world is simulated and comes at a rate."""
    drift: bool = True
    """Whether a drift is switched on at the end; where a world is simulated and comes at a rate."""

    @property
    def is_world(self) -> bool:
        """Whether a world is simulated that comes at a rate."""
        return self.file is None and self.rate is not None
