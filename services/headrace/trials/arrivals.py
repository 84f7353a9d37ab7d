"""When a downstream application had each event's decision in hand."""

from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace.simulator.due import DueTimes


class Arrivals:
    """Arrival times by the event's partition and offset; one thread adds, any may count."""

    def __init__(self) -> None:
        self._by_partition: dict[int, tuple[array[int], array[float]]] = {}

    def add(self, decisions: Sequence[dict[str, Any]], now_s: float) -> None:
        """Note when decisions were there (s, by the clock of the due times)."""
        for decision in decisions:
            partition = decision["source_partition"]
            offsets, seen_s = self._by_partition.setdefault(partition, (array("q"), array("d")))
            offsets.append(decision["source_offset"])
            seen_s.append(now_s)

    def count(self) -> int:
        """Return how many decisions have arrived so far."""
        return sum(len(seen_s) for _, seen_s in list(self._by_partition.values()))

    def latencies_ms(self, due_times: DueTimes) -> NDArray[np.float64]:
        """Return the milliseconds from each event's due time to its decision's arrival.

        Once all is published and seen: arrays that others extend cannot be looked at.

        Returns
        -------
        (n,), of the decisions whose due time is known.
        """
        parts = [
            np.array(seen_s) - due_times.due_s(partition, np.array(offsets, np.int64))
            for partition, (offsets, seen_s) in self._by_partition.items()
        ]
        latencies = np.concatenate(parts) * 1_000 if parts else np.array([])
        known: NDArray[np.float64] = latencies[~np.isnan(latencies)]
        return known
