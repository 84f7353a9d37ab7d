"""Which world: its seed, its size, and what changes in it at which event time."""

from datetime import UTC, datetime
from typing import Literal, NamedTuple, Self, TypeAlias, get_args

import numpy as np

from headrace.simulator.seasons import SPAN_DAYS, START_MS

DriftKind: TypeAlias = Literal[
    "concept",  # thieves change their ways: what fraud looks like is no longer what it was
    "data",  # everybody's habits change: dearer, and more of it online; fraud stays what it was
]
Stream: TypeAlias = Literal["population", "traffic", "day", "period", "labels"]
_STREAMS: tuple[Stream, ...] = get_args(Stream)
NEVER_MS = 2**62


class Drift(NamedTuple):
    """A change of the world at an event time."""

    kind: DriftKind
    from_ms: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``concept@2026-02-01`` or ``data@2026-02-01T06:00:00``; the time is in UTC.

        Raises
        ------
        ValueError
            It is neither, or lies before the world begins.
        """
        name, _, when = text.partition("@")
        for kind in get_args(DriftKind):
            if name == kind:
                moment = datetime.fromisoformat(when)
                at_ms = int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()) * 1_000
                if at_ms < START_MS:
                    raise ValueError(f"{when} is before the world's first day, 2026-01-01")
                return cls(kind, at_ms)
        raise ValueError(f"{name!r} is no drift; there are {' and '.join(get_args(DriftKind))}")


class Scenario(NamedTuple):
    """Everything that decides what happens in a world; equal ones are equal worlds."""

    seed: int
    """From 0."""
    events: int
    """How many publications it is made for."""
    drifts: tuple[Drift, ...] = ()
    """At most one of each kind."""
    days: int = SPAN_DAYS
    """Event time that the publications fill: in more days, fewer cards buy."""

    @property
    def name(self) -> str:
        """A part of every identifier, so that two different worlds never share a card."""
        drifts = [f"{d.kind[0]}{(d.from_ms - START_MS) // 1_000}" for d in sorted(self.drifts)]
        longer = [] if self.days == SPAN_DAYS else [f"x{self.days}"]
        return "".join([f"s{self.seed}n{self.events}", *longer, *drifts])

    def drifts_from_ms(self, kind: DriftKind) -> int:
        """Return the event time of a drift; :data:`NEVER_MS` where there is none."""
        return next((drift.from_ms for drift in self.drifts if drift.kind == kind), NEVER_MS)

    def random(self, stream: Stream, index: int = 0) -> np.random.Generator:
        """Return the random numbers for one purpose, which no other draws from.

        They do not depend on the drifts: until the first one, nothing is different.
        """
        return np.random.default_rng([self.seed, self.events, _STREAMS.index(stream), index])
