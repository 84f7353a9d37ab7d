"""How far event time has come in a partition: for the decisions, and for each source of labels.

The horizon of an event is over when every source has told all that it had observed until then, by
its labels and heartbeats: a label that waits unread is so never overtaken, whichever input is read
first. What a source that only corrects has told is not waited for. The decisions' own time decides
when a label's decision is not to be expected any more.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

NEVER_MS: Final = -(2**62)
"""Before all times."""


@dataclass(slots=True)
class Watermarks:
    """The newest event times of one partition."""

    decisions_ms: int = NEVER_MS
    sources_ms: dict[str, int] = field(default_factory=dict)

    def decided(self, at_ms: int) -> bool:
        """Take in a decision's event time; return whether that moves the time on."""
        moves = at_ms > self.decisions_ms
        if moves:
            self.decisions_ms = at_ms
        return moves

    def told(self, source: str, until_ms: int) -> bool:
        """Take in until when a source has told all; return whether that moves its time on."""
        moves = until_ms > self.sources_ms.get(source, NEVER_MS)
        if moves:
            self.sources_ms[source] = until_ms
        return moves

    def labels_ms(self, sources: Collection[str]) -> int:
        """Return until when each of some sources has told all."""
        return min((self.sources_ms.get(each, NEVER_MS) for each in sources), default=NEVER_MS)

    def copy(self) -> "Watermarks":
        """Return a copy that shares nothing."""
        return Watermarks(self.decisions_ms, dict(self.sources_ms))

    def restore(self, times: Iterable[tuple[str, int]]) -> None:
        """Take the sources' times as they were."""
        self.sources_ms = dict(times)
