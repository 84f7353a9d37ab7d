"""How it goes, for whoever looks on."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from headrace.demo.outcomes import Outcomes
from headrace.trials.surroundings import Say

_PROGRESS_S = 1.0


@dataclass(frozen=True)
class Progress:
    """How far a demo is."""

    events: int
    published: int
    processed: int
    duplicates: int


@dataclass(frozen=True)
class Arrived:
    """What a downstream application has seen so far."""

    decided: int
    outcomes: Outcomes
    dead_letters: Counter[str]
    latencies_ms: tuple[float, float] | None
    """p50 and p99 of the last seconds; None before the first decision."""


class Display(Protocol):
    """Shows progress while events are published and decided."""

    def __enter__(self) -> object:
        """Begin."""

    def __exit__(self, *_: object) -> None:
        """End."""

    def show(self, progress: Progress, arrived: Callable[[], Arrived] | None) -> None:
        """Show how far it is; ``arrived`` is asked only where it is shown."""


class PlainLines:
    """Says a line a second."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._said_at = 0.0

    def __enter__(self) -> object:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """End."""

    def show(self, progress: Progress, arrived: Callable[[], Arrived] | None) -> None:
        """Say a line, where the last one is a second old."""
        now = time.monotonic()
        if now - self._said_at > _PROGRESS_S:
            self._said_at = now
            by = "" if arrived is None else " ".join(arrived().outcomes.latest_model)
            self._say(
                f"  published {progress.published:,} of {progress.events:,},"
                f" processed {progress.processed:,}{f', by {by}' if by else ''}"
            )
