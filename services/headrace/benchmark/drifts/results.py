"""What came of all runs, and whether that is good enough."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from statistics import median
from typing import Any, Final, NamedTuple

from headrace.benchmark.drifts.detectors import Chosen, Tried, chosen
from headrace.benchmark.drifts.rates import Delays, delays, upper_bound
from headrace.benchmark.drifts.streams import PACES, Followed
from headrace.benchmark.drifts.watched import DRIFTS, OF_OUTCOMES, TWICE, Seen, Watched

BY: Final[Mapping[str, tuple[str, ...]]] = {
    "outcomes": OF_OUTCOMES,
    "anything": ("",),
}
"""What a drift is noticed by, as the beginnings of subjects."""
PER: Final = 100_000
"""Events in which there may be one false alarm."""
MOST_OUTCOMES: Final = {"abrupt": 1_000, "gradual": 3_000}
MOST_POSITIVES: Final = 50
"""Median delays that are good enough: of outcomes on balanced streams, positives of card fraud."""


class FalseAlarms(NamedTuple):
    """Signals where nothing has drifted."""

    signals: int
    events: int
    rate: float
    """In ``PER`` events."""
    bound: float
    """Upper 95 % bound of that."""


class Bar(NamedTuple):
    """What must be so."""

    name: str
    measured: float | None
    """None where not even the median run has noticed it."""
    most: float

    @property
    def is_met(self) -> bool:
        """Whether it is so."""
        return self.measured is not None and self.measured <= self.most


class Compared(NamedTuple):
    """Detectors that are allowed the same number of false alarms on the same values."""

    of: str
    events: int
    """While nothing had drifted."""
    chosen: Sequence[Chosen]


@dataclass(frozen=True)
class Results:
    """All runs."""

    worlds: Sequence[Watched]
    streams: Sequence[Followed]

    def false_alarms(self) -> FalseAlarms:
        """Return how often a signal was raised in worlds where nothing drifts."""
        count = sum(len(world.signals) for world in self._stationary)
        events = sum(world.events for world in self._stationary)
        return _false_alarms(count, events)

    def false_alarms_by(self) -> Mapping[str, int]:
        """Return the same signals by what they are about, the most frequent first."""
        signals = chain.from_iterable(world.signals for world in self._stationary)
        return dict(Counter(signal.subject for signal in signals).most_common())

    def world_delays(self) -> Mapping[tuple[str, str], Mapping[str, Delays]]:
        """Return how soon each drift was noticed by which signals: events, outcomes, positives."""
        found = {}
        for drift, drifting in DRIFTS.items():
            for by, about in BY.items():
                if by == "outcomes" and drifting.kind == "data":
                    continue  # it leaves them as they were
                firsts = [each.first(about) for each in self.worlds if each.drift == drift]
                found[drift, by] = {
                    unit: delays([None if each is None else getattr(each, unit) for each in firsts])
                    for unit in Seen._fields
                }
        return found

    def world_loss(self, drift: str) -> tuple[float | None, float | None]:
        """Return what positives cost the score before a drift and after, the median world's."""
        before, after = zip(
            *(each.loss for each in self.worlds if each.drift == drift), strict=True
        )
        return _median(before), _median(after)

    def stream_delays(self) -> Mapping[tuple[str, str], tuple[Delays, Delays]]:
        """Return how soon it was noticed on each stream at each pace: outcomes, positives."""
        names = list(dict.fromkeys((each.stream, each.pace) for each in self.streams))
        found = {}
        for name in names:
            runs = [each for each in self.streams if (each.stream, each.pace) == name]
            outcomes, positives = [e.outcomes for e in runs], [e.positives for e in runs]
            found[name] = (delays(outcomes), delays(positives))
        return found

    def wrong(self, stream: str) -> tuple[float, float]:
        """Return the model's mean error on the concepts before and after a stream's drift."""
        runs = [each for each in self.streams if each.stream == stream]
        before = sum(each.wrong_before for each in runs) / len(runs)
        return before, sum(each.wrong_after for each in runs) / len(runs)

    def stream_alarms(self) -> FalseAlarms:
        """Return how often a signal was raised on the streams before their drifts."""
        return _false_alarms(
            sum(len(each.alarms) for each in self.streams),
            sum(each.stationary for each in self.streams),
        )

    def bars(self) -> Iterator[Bar]:
        """Yield what must be so."""
        yield Bar(f"false alarms in {PER:,} events, upper 95 %", self.false_alarms().bound, 1.0)
        for pace, most in MOST_OUTCOMES.items():
            took = delays([each.outcomes for each in self.streams if each.pace == pace])
            yield Bar(f"outcomes to notice what is {pace}, median", took.median, most)
        positives = self.world_delays()[TWICE, "outcomes"]["positives"]
        yield Bar(f"positives to notice {TWICE}, median", positives.median, MOST_POSITIVES)

    def compared(self) -> Iterator[Compared]:
        """Yield detectors beside ours."""
        for pace in PACES:
            runs = [each for each in self.streams if each.pace == pace]
            tried = [each for run in self.streams for each in run.tried]
            of_pace = [each for run in runs for each in run.tried]
            events = sum(run.stationary for run in self.streams)
            yield _compared(f"outcomes, {pace}", events, tried, of_pace)
        quiet = [each for world in self.worlds if world.drift is None for each in world.tried]
        drifted = [each for world in self.worlds if world.drift == TWICE for each in world.tried]
        events = sum(world.tried_events for world in self._stationary)
        yield _compared("card fraud's positives", events, quiet, drifted)

    def as_json(self) -> dict[str, Any]:
        """Return all of it, but for what the other detectors did run by run."""
        return {
            "false_alarms": {**self.false_alarms()._asdict(), "by": self.false_alarms_by()},
            "stream_alarms": self.stream_alarms()._asdict(),
            "bars": [{**bar._asdict(), "is_met": bar.is_met} for bar in self.bars()],
            "worlds": [_world(each) for each in self.worlds],
            "world_delays": [
                {
                    "drift": drift,
                    "by": by,
                    **{unit: each._asdict() for unit, each in of_each.items()},
                }
                for (drift, by), of_each in self.world_delays().items()
            ],
            "streams": [
                {name: part for name, part in each._asdict().items() if name != "tried"}
                for each in self.streams
            ],
            "stream_delays": [
                {
                    "stream": stream,
                    "pace": pace,
                    "outcomes": outcomes._asdict(),
                    "positives": positives._asdict(),
                }
                for (stream, pace), (outcomes, positives) in self.stream_delays().items()
            ],
            "detectors": [
                {"of": each.of, "events": each.events, **one._asdict()}
                for each in self.compared()
                for one in each.chosen
            ],
        }

    @property
    def _stationary(self) -> Sequence[Watched]:
        return [world for world in self.worlds if world.drift is None]


def _false_alarms(count: int, events: int) -> FalseAlarms:
    of = PER / max(events, 1)
    return FalseAlarms(count, events, count * of, upper_bound(count) * of)


def _median(values: Sequence[float | None]) -> float | None:
    known = [each for each in values if each is not None]
    return median(known) if known else None


def _compared(
    of: str, events: int, stationary: Sequence[Tried], drifted: Sequence[Tried]
) -> Compared:
    return Compared(of, events, chosen(stationary, drifted, events / PER))


def _world(world: Watched) -> dict[str, Any]:
    told = {name: part for name, part in asdict(world).items() if name not in ("tried", "signals")}
    return {**told, "signals": [_signal(each._asdict()) for each in world.signals]}


def _signal(told: dict[str, Any]) -> dict[str, Any]:
    after = told["after"]
    return {**told, "after": None if after is None else after._asdict()}
