"""Watching decisions arrive as a downstream application would, to time them."""

import threading
import time
from array import array
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from headrace.chassis.clients import Clients
from headrace.chassis.reading import beginnings, is_end
from headrace.simulator.due import DueTimes

_START_S = 10.0


class DecisionWatch:
    """Notes when each decision is there for a read_committed consumer.

    Parameters
    ----------
    decode
        Decodes a decision's value.
    """

    def __init__(
        self,
        clients: Clients,
        topic: str,
        partitions: int,
        decode: Callable[[bytes | None], dict[str, Any]],
    ) -> None:
        self._reader = clients.reader()
        self._reader.assign(beginnings(clients, topic, range(partitions), _START_S))
        self._empty = dict.fromkeys(range(partitions), 0)
        self._decode = decode
        self._ready = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._seen: dict[int, tuple[array[int], array[float]]] = {}

    def __enter__(self) -> Self:
        """Begin; returns once it would see the first decision."""
        self._thread.start()
        self._ready.wait(_START_S)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End."""
        self._stop.set()
        self._thread.join()
        self._reader.close()

    def seen(self) -> int:
        """Return how many decisions have arrived so far."""
        return sum(len(offsets) for offsets, _ in list(self._seen.values()))

    def latencies_ms(self, due_times: DueTimes) -> NDArray[np.float64]:
        """Return, for each decision, the milliseconds from its event's due time to its arrival."""
        parts = [
            np.array(seen_s) - due_times.due_s(partition, np.array(offsets, np.int64))
            for partition, (offsets, seen_s) in self._seen.items()
        ]
        latencies = np.concatenate(parts) * 1_000 if parts else np.array([])
        known: NDArray[np.float64] = latencies[~np.isnan(latencies)]
        return known

    def _watch(self) -> None:
        while not self._stop.is_set():
            first = self._reader.poll(0.1)
            if first is None:
                continue
            messages = [first, *self._reader.consume(10_000, 0)]
            now_s = time.monotonic()
            for message in messages:
                if is_end(message, self._empty) and not self._empty:
                    self._ready.set()
                if message.error() is None:
                    decision = self._decode(message.value())
                    offsets, seen_s = self._seen.setdefault(
                        decision["source_partition"], (array("q"), array("d"))
                    )
                    offsets.append(decision["source_offset"])
                    seen_s.append(now_s)
