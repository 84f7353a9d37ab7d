"""What a downstream application has seen of the decisions, and how long each took."""

from collections import Counter, deque
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace.demo.display import Arrived
from headrace.demo.outcomes import Outcomes
from headrace.simulator.due import DueTimes
from headrace.trials.arrivals import Arrivals

_LATEST = 10_000
_LATEST_S = 5.0


class OpenDueTimes(DueTimes):
    """Due times that can be taken one by one while others are still recorded."""

    def __init__(self) -> None:
        super().__init__()
        self._open: dict[tuple[int, int], float] = {}

    def record(self, partition: int, offset: int, due_s: float) -> None:
        """Note when the record at an offset was due."""
        super().record(partition, offset, due_s)
        self._open[partition, offset] = due_s

    def take(self, partition: int, offset: int) -> float | None:
        """Return when the record at an offset was due, once; None where it is not known yet."""
        return self._open.pop((partition, offset), None)


class Seen:
    """Takes what watches read; any thread may ask."""

    def __init__(self, outcomes: Outcomes, due_times: OpenDueTimes) -> None:
        self._outcomes = outcomes
        self._due_times = due_times
        self._dead_letters: Counter[str] = Counter()
        self._arrivals = Arrivals()
        self._latest: deque[tuple[float, float]] = deque(maxlen=_LATEST)
        """When a decision arrived, and its latency (s)."""

    def decisions(self, decisions: Sequence[dict[str, Any]], now_s: float) -> None:
        """Note when each decision was there, and what it says."""
        self._arrivals.add(decisions, now_s)
        for decision in decisions:
            due_s = self._due_times.take(decision["source_partition"], decision["source_offset"])
            if due_s is not None:
                self._latest.append((now_s, now_s - due_s))
        self._outcomes.add(decisions)

    def letters(self, letters: Sequence[dict[str, Any]], _now_s: float) -> None:
        """Count dead letters."""
        self._dead_letters.update(letter["reason"] for letter in letters)

    def count(self) -> int:
        """Return how many decisions have arrived so far."""
        return self._arrivals.count()

    def arrived(self) -> Arrived:
        """Return what has arrived so far; the latencies are of the last seconds."""
        latest = list(self._latest)
        since_s = latest[-1][0] - _LATEST_S if latest else 0.0
        values_ms = [latency_s * 1_000 for seen_s, latency_s in latest if seen_s > since_s]
        latencies_ms = None
        if values_ms:
            p50, p99 = np.percentile(values_ms, (50, 99)).tolist()
            latencies_ms = p50, p99
        return Arrived(self.count(), self._outcomes, self._dead_letters, latencies_ms)

    def latencies_ms(self) -> NDArray[np.float64]:
        """Return the milliseconds from each event's due time to its decision's arrival.

        Once all is published and seen: arrays that others extend cannot be looked at.

        Returns
        -------
        (n,), of the decisions whose due time is known.
        """
        return self._arrivals.latencies_ms(self._due_times)
