"""What was measured: every round, medians and ratios."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from statistics import median
from typing import Any, NamedTuple

from headrace.benchmark.contestants import Name
from headrace.benchmark.frozen import Quickness
from headrace.benchmark.growth import Point
from headrace.benchmark.open_loop import Percentiles
from headrace.benchmark.swaps import Swapped
from headrace.benchmark.throughput import Throughput
from headrace.benchmark.watching import Watched, Watcher


class Spread(NamedTuple):
    """A number over all rounds."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, numbers: Iterable[float]) -> "Spread":
        """Return the spread of at least one number."""
        ordered = sorted(numbers)
        return cls(median(ordered), ordered[0], ordered[-1])


@dataclass(frozen=True)
class Failure:
    """A run that gave no number."""

    contestant: Name
    run: str
    why: str


@dataclass
class Results:
    """Every round of every contestant; what failed is among the failures."""

    throughput: dict[Name, list[Throughput]] = field(default_factory=dict)
    latency: dict[Name, list[Mapping[int, Percentiles]]] = field(default_factory=dict)
    watching: dict[Watcher, list[Watched]] = field(default_factory=dict)
    swaps: list[Swapped] = field(default_factory=list)
    growth: list[Point] = field(default_factory=list)
    frozen: list[Quickness] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def per_s(self) -> dict[Name, Spread]:
        """Return events a second of those who have a number."""
        return {
            name: Spread.of(run.per_s for run in runs)
            for name, runs in self.throughput.items()
            if runs
        }

    def ratios(self) -> dict[Name, float]:
        """Return how many times as fast as each of the others headrace is."""
        per_s = self.per_s()
        ours = per_s.pop("headrace", None)
        return {
            name: ours.median / theirs.median
            for name, theirs in per_s.items()
            if ours and theirs.median
        }

    def watched_per_s(self) -> dict[Watcher, Spread]:
        """Return events a second of those who watch scoring."""
        return {name: Spread.of(run.per_s for run in runs) for name, runs in self.watching.items()}

    def watching_ratios(self) -> dict[Watcher, float]:
        """Return how many times as fast as scoring they are; nothing without its number."""
        scoring = self.per_s().get("headrace")
        return {
            name: per_s.median / scoring.median
            for name, per_s in self.watched_per_s().items()
            if scoring and scoring.median
        }

    def rates(self) -> list[int]:
        """Return the rates at which latency was measured."""
        return sorted({rate for runs in self.latency.values() for run in runs for rate in run})

    def latencies(self, name: Name, rate: int) -> dict[str, Spread]:
        """Return p50, p99 and p99.9 over the rounds, in milliseconds; nothing where none is."""
        runs = [run[rate] for run in self.latency.get(name, ()) if rate in run]
        if not runs:
            return {}
        return {
            part: Spread.of(getattr(run, part) for run in runs)
            for part in ("p50_ms", "p99_ms", "p999_ms", "behind_ms")
        }

    def latency_ratios(self, other: Name) -> dict[int, dict[str, float]]:
        """Return how many times as long as another's headrace's latencies are, by rate."""
        ratios = {}
        for rate in self.rates():
            ours, theirs = self.latencies("headrace", rate), self.latencies(other, rate)
            if ours and theirs:
                ratios[rate] = {
                    part: ours[part].median / theirs[part].median
                    for part in ("p50_ms", "p99_ms", "p999_ms")
                }
        return ratios

    def swapped(self) -> dict[str, dict[str, Spread]]:
        """Return p50 and p99 in milliseconds, without swaps and with; nothing without rounds."""
        if not self.swaps:
            return {}
        return {
            stretch: {
                part: Spread.of(getattr(getattr(each, stretch), part) for each in self.swaps)
                for part in ("p50_ms", "p99_ms")
            }
            for stretch in ("without", "swapping")
        }

    def swap_ratios(self) -> dict[str, float]:
        """Return how many times as long latencies are while models are swapped."""
        swapped = self.swapped()
        if not swapped:
            return {}
        without, swapping = swapped["without"], swapped["swapping"]
        return {part: swapping[part].median / without[part].median for part in without}

    def stages_us(self) -> dict[str, float]:
        """Return where headrace's time went, in µs an event: medians over the rounds."""
        runs = self.throughput.get("headrace", [])
        stages = [stage for run in runs[:1] for stage in run.stages_us]
        return {stage: median(run.stages_us.get(stage, 0.0) for run in runs) for stage in stages}

    def curves(self) -> list[Point]:
        """Return every point of the curves of growth, with its medians over the rounds."""
        rounds: dict[tuple[str, str], list[Point]] = {}
        for point in self.growth:
            rounds.setdefault((point.curve, point.at), []).append(point)
        return [_median(points) for points in rounds.values()]

    def of_keys(self) -> dict[str, float]:
        """Return what more keys cost, from the fewest to the most; nothing where none grew."""
        points = [(each.keys, each) for each in self.curves() if each.keys is not None]
        if len(points) < 2:
            return {}
        (fewest, small), (most, large) = points[0], points[-1]
        return {
            "bytes_a_key": (large.memory_mb - small.memory_mb) * 2**20 / (most - fewest),
            "speed_with_most_keys": large.per_s / small.per_s,
            "restore_s_with_most_keys": large.restore_s or 0.0,
        }

    def as_json(self) -> dict[str, Any]:
        """Return all of it."""
        return {
            "ratios": self.ratios(),
            "throughput": {
                name: {**_spread(spread, "per_s"), "rounds": [asdict(r) for r in self._runs(name)]}
                for name, spread in self.per_s().items()
            },
            "watching": self._watching_as_json(),
            "latency": {
                name: {
                    str(rate): {
                        **{part: s.median for part, s in self.latencies(name, rate).items()},
                        "rounds": [asdict(run[rate]) for run in runs if rate in run],
                    }
                    for rate in self.rates()
                }
                for name, runs in self.latency.items()
            },
            "latency_ratios": {
                name: self.latency_ratios(name) for name in self.latency if name != "headrace"
            },
            "swaps_under_load": self._swaps_as_json(),
            "stages_us": self.stages_us(),
            "frozen_models": [asdict(each) for each in self.frozen],
            "growth": [asdict(point) for point in self.curves()],
            "growth_rounds": [asdict(point) for point in self.growth],
            "of_keys": self.of_keys(),
            "failures": [asdict(failure) for failure in self.failures],
        }

    def _watching_as_json(self) -> dict[str, Any]:
        return {
            **{
                name: {
                    **_spread(spread, "per_s"),
                    "rounds": [asdict(each) for each in self.watching[name]],
                }
                for name, spread in self.watched_per_s().items()
            },
            "ratios": self.watching_ratios(),
        }

    def _swaps_as_json(self) -> dict[str, Any]:
        return {
            **{
                stretch: {part: spread.median for part, spread in parts.items()}
                for stretch, parts in self.swapped().items()
            },
            "ratios": self.swap_ratios(),
            "swaps": sum(each.swaps for each in self.swaps),
            "rounds": [asdict(each) for each in self.swaps],
        }

    def _runs(self, name: Name) -> list[Throughput]:
        return self.throughput[name]


def _spread(spread: Spread, name: str) -> dict[str, float]:
    return {name: spread.median, f"{name}_min": spread.least, f"{name}_max": spread.most}


def _median(points: list[Point]) -> Point:
    restores_s = [point.restore_s for point in points if point.restore_s is not None]
    return replace(
        points[0],
        per_s=median(point.per_s for point in points),
        memory_mb=median(point.memory_mb for point in points),
        restore_s=median(restores_s) if restores_s else None,
    )
