"""Watching what decisions have turned out to be."""

from collections.abc import Iterator, Mapping, Sequence
from math import exp, isfinite, log
from typing import Any, Final, NamedTuple

from headrace.drift.monitor import Value
from headrace.drift.segments import Followed, within
from headrace.usecase.segments import Segments

POSITIVES: Final = "concept/positives"
NEGATIVES: Final = "concept/negatives"
ERRORS: Final = "concept/errors"
CALIBRATION: Final = "calibration/score"
BASE_RATE: Final = "label/base_rate"
DELAY: Final = "label/delay/"
_LONG: Final = 8.0
"""Times the mean stretch without a positive that is told of before its end: chance makes one so
long in 3,000.
"""
_SMALLEST: Final = 1e-6
_HALF: Final = 0.5
_ALL: Final = ""
"""In the place of a segment."""
_MEASURES: Final = {
    POSITIVES: "score that positives get (geometric mean)",
    NEGATIVES: "log loss of the scores that negatives get (geometric mean)",
    ERRORS: "share of scores on the wrong side of one half",
    CALIBRATION: "times as many positives as expected, or as few",
    BASE_RATE: "share of positives",
    DELAY: "days from the event until the label",
}


class Seen(NamedTuple):
    """A value of one of the streams that outcomes make."""

    subject: str
    value: Value


class Stretches:
    """Times how often something comes, one by one: by how much passes from one to the next.

    Where each outcome adds its chance to be positive, what passes between two positives is
    exponentially distributed with mean 1, or less spread, as long as the chances are right (as in
    *time-between-events* control charts). Between two errors outcomes are counted, as by EDDM
    (Baena-Garcia et al., *Early Drift Detection Method*, 2006).
    """

    def __init__(self) -> None:
        self._passed = self._total = 0.0
        self._times = 0

    def take(self, amount: float, *, has_come: bool) -> float | None:
        """Let an outcome pass.

        Returns
        -------
        The logarithm of how often it comes, by the stretch that has ended, or that is long enough
        to be told of before its end; else None.
        """
        self._passed += amount
        self._total += amount
        if has_come:
            self._times += 1
        elif self._passed <= _LONG * self._total / (self._times + 1):
            return None
        passed, self._passed = self._passed, 0.0
        return -log(passed)

    def parts(self) -> list[float]:
        """Return all of it, for :meth:`restore`."""
        return [self._passed, self._total, self._times]

    def restore(self, parts: Sequence[float]) -> None:
        """Become what another was."""
        self._passed, self._total, self._times = parts[0], parts[1], int(parts[2])


class Part:
    """Some of the outcomes: all, or those of a segment; and what they say of the scores.

    Parameters
    ----------
    before
        How many others were looked at before the first of them, since the model serves.
    """

    def __init__(self, before: int = 0) -> None:
        self.before = before
        self._negatives = [0.0, 0]
        """Since the latest positive: the sum of their losses, and how many there were."""
        self._stretches = {each: Stretches() for each in (ERRORS, CALIBRATION, BASE_RATE)}

    def take(self, score: float, *, is_positive: bool) -> Iterator[tuple[str, float]]:
        """Take in an outcome; yield the subject of each value that it completes, and the value."""
        yield from self._losses(score, is_positive=is_positive)
        for subject, amount, has_come in (
            (ERRORS, 1.0, (score >= _HALF) != is_positive),
            (CALIBRATION, score, is_positive),
            (BASE_RATE, 1.0, is_positive),
        ):
            often = self._stretches[subject].take(amount, has_come=has_come)
            if often is not None:
                yield subject, often

    def _losses(self, score: float, *, is_positive: bool) -> Iterator[tuple[str, float]]:
        """Yield what a positive costs the score, and what the negatives before it did."""
        if not is_positive:
            self._negatives[0] -= log(1 - score)
            self._negatives[1] += 1
            return
        yield POSITIVES, -log(score)
        loss, count = self._negatives
        if count:
            yield NEGATIVES, log(loss / count)
            self._negatives = [0.0, 0]

    def parts(self) -> dict[str, Any]:
        """Return all of it as JSON, for :meth:`restore`."""
        return {
            "before": self.before,
            "negatives": self._negatives,
            "stretches": {name: each.parts() for name, each in self._stretches.items()},
        }

    def restore(self, parts: Mapping[str, Any]) -> None:
        """Become what another was."""
        self.before, self._negatives = parts["before"], list(parts["negatives"])
        for subject, stretches in self._stretches.items():
            stretches.restore(parts["stretches"][subject])


class OutcomeStreams:
    """Turns outcomes into the values that are watched.

    Of outcomes whose event was decided by the model that serves, and by no other before it; and
    not before the first of those could be matured: until then, what is known early is not what is
    known of all.

    Parameters
    ----------
    settled_ms
        From an event until all is known of it that is waited for.
    unscaled
        The model whose scores are no probabilities, by name; empty where there is none.
    segments
        Those that are watched by themselves, too.
    """

    def __init__(
        self, settled_ms: int, unscaled: str = "", segments: Segments | None = None
    ) -> None:
        self._settled_ms = settled_ms
        self._unscaled = unscaled
        self.model = ""
        """The model that serves, by name."""
        self._since_ms = self._latest_ms = 0
        """When the first and the latest happened that it has decided."""
        self.seen = 0
        """Outcomes that were looked at, since it serves."""
        self._segments = segments
        self._followed = Followed()
        self._parts = {_ALL: Part()}
        """By segment, those that are followed."""

    def is_another_model(self, record: Mapping[str, Any]) -> bool:
        """Tell whether an outcome is the first of another model; then it is the one that serves.

        An event that an earlier model decided may become known much later, and is none of these:
        something that happened after it was decided by the one that serves.
        """
        if record["fallback"]:
            return False
        at_ms, latest_ms = record["occurred_at_ms"], self._latest_ms
        if record["model"] == self.model:
            self._latest_ms = max(at_ms, latest_ms)
            return False
        if at_ms < latest_ms:
            return False
        self.model, self._since_ms, self._latest_ms = record["model"], at_ms, at_ms
        self.seen = 0
        self._parts = {segment: Part() for segment in self._parts}
        return True

    def seen_since(self, segment: str) -> int:
        """Return how many outcomes were looked at, since the first of a segment or of all."""
        return self.seen - self._parts[segment].before

    def has_seen(self, segment: str) -> bool:
        """Whether an outcome of a segment was looked at."""
        return segment in self._parts

    def values(self, record: Mapping[str, Any]) -> Iterator[Seen]:
        """Yield the values that an ``OutcomeKnown`` completes."""
        is_ours = record["model"] == self.model and not record["fallback"]
        if not is_ours or record["value"] is None or record["replaces"] is not None:
            return
        if not isfinite(record["score"]):  # nobody's we know
            return
        if record["occurred_at_ms"] < self._since_ms:  # it has served before
            return
        at_ms, example = record["known_at_ms"], record["decision_id"]
        if at_ms < self._since_ms + self._settled_ms:
            return
        self.seen += 1
        score = min(max(record["score"], _SMALLEST), 1 - _SMALLEST)
        yield Seen(DELAY + record["source"], Value(log(record["delay_ms"] + 1), at_ms, example))
        for segment in self._of(record):
            part = self._parts.setdefault(segment, Part(self.seen - 1))
            for measure, value in part.take(score, is_positive=record["value"]):
                if self.model != self._unscaled or measure == BASE_RATE:
                    yield Seen(within(measure, segment), Value(value, at_ms, example))

    def _of(self, record: Mapping[str, Any]) -> list[str]:
        """Return what an outcome is part of: all of them, and its segments."""
        segments = self._segments.of(record) if self._segments else []
        return [_ALL, *map(self._followed.pooled, segments)]

    def slots(self) -> dict[int, dict[str, Any]]:
        """Return all of it as JSON, for :meth:`restore`, in one slot."""
        parts = {
            "model": self.model,
            "since_ms": self._since_ms,
            "latest_ms": self._latest_ms,
            "seen": self.seen,
            "parts": {segment: each.parts() for segment, each in self._parts.items()},
        }
        return {0: parts}

    def restore(self, slots: Mapping[int, Mapping[str, Any]]) -> None:
        """Become what another was."""
        parts = slots[0]
        self.model, self.seen = parts["model"], parts["seen"]
        self._since_ms, self._latest_ms = parts["since_ms"], parts["latest_ms"]
        for segment, kept in parts["parts"].items():
            if segment != _ALL:
                if self._segments is None or not self._segments.has(segment):
                    continue  # the charter names it no more
                self._followed.pooled(segment)
            self._parts.setdefault(segment, Part()).restore(kept)


def measure_of(subject: str) -> str:
    """Return what is measured, in words."""
    return _MEASURES[DELAY if subject.startswith(DELAY) else subject]


def shown(subject: str, mean: float) -> float:
    """Return the mean of a stream's values as people know it: all are logarithms."""
    if subject == POSITIVES:
        return exp(-mean)
    return exp(mean) / 86_400_000 if subject.startswith(DELAY) else exp(mean)
