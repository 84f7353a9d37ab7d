"""Whether the champion that learns would have decided better than what decides; no Kafka, no clock.

It has scored each outcome before it learned from it, so the comparison with what decided is a fair
one. Before the first event's horizon is over, what is known is mostly what was disputed: a model
that has learned from that alone takes too much for positive, and so that time does not count.
"""

from collections import deque
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from headrace.usecase.charter import Charter
from headrace.usecase.policy import cheapest, costs_of

SPAN: Final = 2_000
"""Over so many of the latest outcomes it is compared."""
LEAST_POSITIVES: Final = 10
_BEGINNING: Final = 100
"""Outcomes: when the latest of them was known is when it began; one event from long ago is not."""
_LEAST_CHANCE: Final = 1e-9


class _Compared(NamedTuple):
    """What an outcome cost, or would have: in money, or by log loss where nothing has a price."""

    mine: float
    served: float
    is_positive: bool


class Trial:
    """Compares the champion with what decides, over the latest outcomes.

    Parameters
    ----------
    charter
        Says what each outcome is worth, and after how long events are known.
    """

    def __init__(self, charter: Charter) -> None:
        self._values = charter.values
        self._horizon_ms = charter.labels.horizon_ms + charter.events.lateness_ms
        self._begun = 0
        self._begun_ms = 0
        self._latest: deque[_Compared] = deque(maxlen=SPAN)

    def take(self, record: Mapping[str, Any], mine: float) -> None:
        """Take in an outcome, and what the champion said of it before it learned from it.

        Parameters
        ----------
        record
            An ``OutcomeKnown``.
        """
        known_ms, is_positive = record["known_at_ms"], record["value"]
        if self._begun < _BEGINNING:
            self._begun += 1
            self._begun_ms = max(self._begun_ms, known_ms)
        if is_positive is None or record["fallback"]:
            return
        if known_ms < self._begun_ms + self._horizon_ms:
            return
        if self._values is not None and record["amount_minor"] is None:
            return  # it has no price, and others do
        scores = np.array([mine, record["score"]])
        costs = self._costs(scores, record["amount_minor"], is_positive=is_positive)
        self._latest.append(_Compared(*costs, is_positive))

    def why_not(self) -> str:
        """Return why the champion is not to serve; empty where it is."""
        if len(self._latest) < SPAN:
            return f"{len(self._latest)} of {SPAN} outcomes since the first horizon are known"
        mine, served, positives = (sum(column) for column in zip(*self._latest, strict=True))
        if positives < LEAST_POSITIVES:
            return f"of the latest {SPAN} outcomes, only {positives} are positive"
        if mine > served:
            unit = "log loss" if self._values is None else "minor units"
            return f"over {SPAN} outcomes it would have cost {mine:,.0f} {unit}, not {served:,.0f}"
        return ""

    def parts(self) -> object:
        """Return all that it holds, in canonical form."""
        return self._begun, self._begun_ms, list(map(tuple, self._latest))

    def _costs(
        self, scores: NDArray[np.float64], amount: int | None, *, is_positive: bool
    ) -> tuple[float, float]:
        """Return what the actions that two scores ask for come to."""
        if self._values is None or amount is None:
            chances = scores if is_positive else 1.0 - scores
            losses = -np.log(np.maximum(chances, _LEAST_CHANCE))
            return float(losses[0]), float(losses[1])
        amounts = np.full(2, float(amount))
        actions = cheapest(costs_of(self._values, scores, amounts))
        known = costs_of(self._values, np.full(2, float(is_positive)), amounts)
        return float(known[actions[0], 0]), float(known[actions[1], 1])
