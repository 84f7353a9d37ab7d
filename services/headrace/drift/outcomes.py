"""Watching what decisions have turned out to be."""

from collections.abc import Iterator, Mapping
from math import exp, log
from typing import Any, Final, NamedTuple

from headrace.drift.monitor import Value

POSITIVES: Final = "concept/positives"
LOSS: Final = "concept/loss"
CALIBRATION: Final = "calibration/score"
BASE_RATE: Final = "label/base_rate"
DELAY: Final = "label/delay/"
_BLOCK: Final = 500
"""Outcomes that a rate is computed of."""
_OF_EACH: Final = 5
"""Positives, and negatives, that a loss is the mean of, at least."""
_SMALLEST: Final = 1e-6
_MEASURES: Final = {
    POSITIVES: "score that positives get (geometric mean)",
    LOSS: "log loss of the score (geometric mean over blocks)",
    CALIBRATION: "times as many positives as expected, or as few",
    BASE_RATE: "share of positives",
    DELAY: "days from the event until the label",
}


class Seen(NamedTuple):
    """A value of one of the streams that outcomes make."""

    subject: str
    value: Value


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
    """

    def __init__(self, settled_ms: int, unscaled: str = "") -> None:
        self._settled_ms = settled_ms
        self._unscaled = unscaled
        self.model = ""
        """The model that serves, by name."""
        self._since_ms = self._latest_ms = 0
        """When the first and the latest happened that it has decided."""
        self.seen = 0
        """Outcomes that were looked at, since it serves."""
        self._loss = [0.0, 0, 0]
        """Sum of losses, positives, negatives."""
        self._rates = [0.0, 0, 0]
        """Sum of scores, positives, outcomes."""

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
        self._loss, self._rates, self.seen = [0.0, 0, 0], [0.0, 0, 0], 0
        return True

    def values(self, record: Mapping[str, Any]) -> Iterator[Seen]:
        """Yield the values that an ``OutcomeKnown`` completes."""
        is_ours = record["model"] == self.model and not record["fallback"]
        if not is_ours or record["value"] is None or record["replaces"] is not None:
            return
        if record["occurred_at_ms"] < self._since_ms:  # it has served before
            return
        at_ms, example = record["known_at_ms"], record["decision_id"]
        if at_ms < self._since_ms + self._settled_ms:
            return
        self.seen += 1
        score = min(max(record["score"], _SMALLEST), 1 - _SMALLEST)
        is_positive, is_scaled = record["value"], self.model != self._unscaled
        yield Seen(DELAY + record["source"], Value(log(record["delay_ms"] + 1), at_ms, example))
        if is_scaled:
            loss = -log(score if is_positive else 1 - score)
            if is_positive:
                yield Seen(POSITIVES, Value(loss, at_ms, example))
            yield from self._losses(loss, at_ms, example, is_positive=is_positive)
        for each in self._rated(score, at_ms, example, is_positive=is_positive):
            if is_scaled or each.subject == BASE_RATE:
                yield each

    def _losses(
        self, loss: float, at_ms: int, example: str, *, is_positive: bool
    ) -> Iterator[Seen]:
        block = self._loss
        block[0] += loss
        block[1 if is_positive else 2] += 1
        if min(block[1:]) >= _OF_EACH:
            yield Seen(LOSS, Value(log(block[0] / sum(block[1:])), at_ms, example))
            self._loss = [0.0, 0, 0]

    def _rated(
        self, score: float, at_ms: int, example: str, *, is_positive: bool
    ) -> Iterator[Seen]:
        rates = self._rates
        rates[0] += score
        rates[1] += is_positive
        rates[2] += 1
        if rates[2] == _BLOCK:
            expected, positives, outcomes = rates
            amiss = abs(log((positives + 1) / (expected + 1)))
            yield Seen(CALIBRATION, Value(amiss, at_ms, example))
            yield Seen(BASE_RATE, Value(log((positives + 1) / outcomes), at_ms, example))
            self._rates = [0.0, 0, 0]

    def slots(self) -> dict[int, dict[str, Any]]:
        """Return all of it as JSON, for :meth:`restore`, in one slot."""
        parts = {
            "model": self.model,
            "since_ms": self._since_ms,
            "latest_ms": self._latest_ms,
            "seen": self.seen,
            "loss": self._loss,
            "rates": self._rates,
        }
        return {0: parts}

    def restore(self, slots: Mapping[int, Mapping[str, Any]]) -> None:
        """Become what another was."""
        parts = slots[0]
        self.model, self.seen = parts["model"], parts["seen"]
        self._since_ms, self._latest_ms = parts["since_ms"], parts["latest_ms"]
        self._loss, self._rates = parts["loss"], parts["rates"]


def measure_of(subject: str) -> str:
    """Return what is measured, in words."""
    return _MEASURES[DELAY if subject.startswith(DELAY) else subject]


def shown(subject: str, mean: float) -> float:
    """Return the mean of a stream's values as people know it: all are logarithms."""
    if subject == POSITIVES:
        return exp(-mean)
    return exp(mean) / 86_400_000 if subject.startswith(DELAY) else exp(mean)
