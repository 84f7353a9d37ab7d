"""Which world: its seed, its size, and what changes in it at which event time."""

from datetime import UTC, datetime
from typing import Literal, NamedTuple, Self, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from headrace.simulator.seasons import SPAN_DAYS, START_MS
from headrace.usecase.declared import parse_duration_ms

DriftKind: TypeAlias = Literal[
    "concept",  # thieves change their ways: what fraud looks like is no longer what it was
    "data",  # everybody's habits change: dearer, and more of it online; fraud stays what it was
]
Stream: TypeAlias = Literal["population", "traffic", "day", "period", "labels", "drift"]
_STREAMS: tuple[Stream, ...] = get_args(Stream)
NEVER_MS = 2**62
_GREATEST = 5.0


class Drift(NamedTuple):
    """A change of the world at an event time."""

    kind: DriftKind
    from_ms: int
    until_ms: int = NEVER_MS
    """From then on the world is as it would have been."""
    over_ms: int = 0
    """Until the last card changes; the first does at once."""
    magnitude: float = 1.0
    """Times as much of it as usual."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``concept@2026-02-01``, or ``data@2026-02-01T06:00:00/2026-02-08`` where it ends.

        ``concept@2026-02-01~14d`` comes gradually, within 14 days; ``concept*2@2026-02-01`` is
        twice as much. Times are in UTC.

        Raises
        ------
        ValueError
            It is neither, lies before the world begins, or ends before it begins.
        """
        name, _, when = text.partition("@")
        name, times, magnitude = name.partition("*")
        begin, slash, end = when.partition("/")
        if "~" in end:
            raise ValueError(f"~ and how long it takes to come stand before the end: {when}")
        begin, tilde, over = begin.partition("~")
        for kind in get_args(DriftKind):
            if name == kind:
                from_ms, until_ms = _moment(begin), _moment(end) if slash else NEVER_MS
                if from_ms < START_MS:
                    raise ValueError(f"{begin} is before the world's first day, 2026-01-01")
                if until_ms <= from_ms:
                    raise ValueError(f"{end} is no end of what begins at {begin}")
                over_ms = parse_duration_ms(over) if tilde else 0
                return cls(kind, from_ms, until_ms, over_ms, _times(magnitude) if times else 1.0)
        raise ValueError(f"{name!r} is no drift; there are {' and '.join(get_args(DriftKind))}")

    def lasts_at(
        self, at_ms: NDArray[np.int64], patience: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Tell which cards are changed at some times.

        Parameters
        ----------
        at_ms
            Shape (n,).
        patience
            Of each card, shape (n,): in [0, 1), the larger the later it changes.
        """
        begins_ms = self.from_ms + patience * self.over_ms
        return (at_ms >= begins_ms) & (at_ms < self.until_ms)

    @property
    def name(self) -> str:
        """A part of a world's name."""
        begin, end = ((each - START_MS) // 1_000 for each in (self.from_ms, self.until_ms))
        times = f"m{self.magnitude!r}" if self.magnitude != 1 else ""
        over = f"o{self.over_ms // 1_000}" if self.over_ms else ""
        return f"{self.kind[0]}{begin}{times}{over}" + (
            f"u{end}" if self.until_ms < NEVER_MS else ""
        )


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
        drifts = [drift.name for drift in sorted(self.drifts)]
        longer = [] if self.days == SPAN_DAYS else [f"x{self.days}"]
        return "".join([f"s{self.seed}n{self.events}", *longer, *drifts])

    def drift(self, kind: DriftKind) -> Drift:
        """Return the drift of a kind; one that never begins where there is none."""
        return next((each for each in self.drifts if each.kind == kind), Drift(kind, NEVER_MS))

    def random(self, stream: Stream, index: int = 0) -> np.random.Generator:
        """Return the random numbers for one purpose, which no other draws from.

        They do not depend on the drifts: until the first one, nothing is different.
        """
        return np.random.default_rng([self.seed, self.events, _STREAMS.index(stream), index])


def _times(text: str) -> float:
    try:
        magnitude = float(text)
    except ValueError:
        magnitude = 0.0
    if not 0 < magnitude <= _GREATEST:
        raise ValueError(f"a magnitude is more than 0 and at most {_GREATEST:g}, not {text}")
    return magnitude


def _moment(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()) * 1_000
