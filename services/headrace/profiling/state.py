"""The state of profiling: what is counted in each bucket, by the bucket's name."""

import struct
from dataclasses import dataclass
from typing import Final

SLOT: Final = 0
"""The only one of a bucket."""
_BODY = struct.Struct("<4q")


@dataclass(slots=True)
class Counts:
    """What is counted in a bucket."""

    events: int = 0
    positives: int = 0
    due_ms: int | None = None
    """When its last change is to be told at the latest; None where nothing was counted yet."""
    told_ms: int = 0
    """When it changed last, all of its partition that was due until then had been told."""

    def change(self, events: int, positives: int, due_ms: int) -> None:
        """Count more, or fewer."""
        self.events += events
        self.positives += positives
        self.due_ms = due_ms

    def body(self) -> bytes:
        """Return the body of the slot."""
        return _BODY.pack(self.events, self.positives, self.due_ms, self.told_ms)

    def restore(self, body: bytes) -> None:
        """Take the slot's body."""
        self.events, self.positives, self.due_ms, self.told_ms = _BODY.unpack(body)


class ProfilingFormat:
    """How the state's values are made, copied and restored (a ``Format`` of the chassis)."""

    version = 1
    forgets = True

    def empty(self, key: str) -> Counts:  # noqa: ARG002 -- all keys are alike
        """Return the value of a bucket in which nothing was counted."""
        return Counts()

    def copy(self, value: Counts) -> Counts:
        """Return a copy that changes nothing in ``value``, nor is changed with it."""
        return Counts(value.events, value.positives, value.due_ms, value.told_ms)

    def apply(self, value: Counts, slot: int, body: bytes) -> None:  # noqa: ARG002 -- there is one
        """Restore one change."""
        value.restore(body)
