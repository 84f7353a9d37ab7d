"""Publishes records at a rate that waits for nobody, and checks the delivery of each."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from typing import Any, Protocol

from headrace.chassis.telemetry import Telemetry, Told, messaging
from headrace.chassis.tracing import Headers, Trace
from headrace.simulator.due import DueTimes
from headrace.simulator.kinds import KINDS, Kind, Publication

_POLL_EVERY = 128
_SHORTEST_WAIT_S = 0.001
_FULL_QUEUE_WAIT_S = 0.05
_FLUSH_STEP_S = 0.2
_FLUSH_AFTER_STOP_S = 10.0


class Producer(Protocol):
    """What we need of confluent_kafka.Producer."""

    def produce(
        self,
        topic: str,
        /,
        *,
        value: bytes | None,
        key: str,
        on_delivery: Callable[[Any, Any], None],
        headers: Headers,
    ) -> None:
        """Queue a record; raise BufferError when the queue is full."""

    def poll(self, timeout: float, /) -> int:
        """Call the callbacks of what has been delivered or has failed."""

    def flush(self, timeout: float, /) -> int:
        """Wait for all deliveries, but not longer; return how many are left."""


@dataclass(slots=True)
class Published:
    """What came of a run so far."""

    by_kind: Counter[Kind] = field(default_factory=Counter)
    """Acknowledged by the broker."""
    failed: int = 0
    """Not acknowledged: refused, timed out, or unknown when we stopped waiting."""
    first_failure: str = ""
    seconds: float = 0.0
    """From the first record's turn to the last acknowledgement."""
    max_lateness_s: float | None = None
    """Most that a record was behind its schedule; None where there was no schedule."""
    stopped: bool = False
    """Told to stop before the end."""

    @property
    def published(self) -> int:
        """Records acknowledged by the broker."""
        return self.by_kind.total()

    @property
    def rate(self) -> float:
        """Acknowledged records a second."""
        return self.published / self.seconds if self.seconds else 0.0


class Publisher:
    """Publishes one sequence of records to a topic, in order.

    With a rate, record i is due at ``start + i / rate`` whatever the system does; what is
    overdue goes out at once, and how late the latest was is reported. Without one, the next
    record is due when the one before is queued. A full queue is waited for in both cases.

    Parameters
    ----------
    producer
        Idempotent, so that a retry neither doubles nor reorders.
    topic
        Its full name.
    telemetry
        Each record begins a trace; those that are sampled have a span, from when it is queued to
        its acknowledgement.
    rate
        Records a second; None is as fast as possible.
    due_times
        Receives when each record was due, by ``clock``, at its delivery.
    clock
        Seconds; the default one is shared by the processes of a machine.
    """

    def __init__(
        self,
        producer: Producer,
        topic: str,
        telemetry: Telemetry,
        *,
        rate: float | None = None,
        due_times: DueTimes | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._producer = producer
        self._topic = topic
        self._telemetry = telemetry
        self._interval_s = None if rate is None else 1 / rate
        self._due_times = due_times
        self._clock = clock
        self._callbacks = {kind: partial(self._delivered, kind, None) for kind in KINDS}
        self.outcome = Published()

    def run(self, publications: Iterable[Publication], stop: Event) -> Published:
        """Publish until the sequence ends or ``stop`` is set; returns when all is acknowledged.

        An error of the sequence passes through after what was queued has been sent; ``outcome``
        holds what came of it. After ``stop`` the acknowledgements are awaited for 10 s at most.
        """
        start_s = self._clock()
        if self._interval_s is not None:
            self.outcome.max_lateness_s = 0.0
        try:
            for number, publication in enumerate(publications):
                due_s = self._await_turn(number, start_s, stop)
                if stop.is_set() or not self._queue(publication, due_s, stop):
                    self.outcome.stopped = True
                    break
                if self.outcome.max_lateness_s is not None:
                    late_s = self._clock() - due_s
                    self.outcome.max_lateness_s = max(self.outcome.max_lateness_s, late_s)
        finally:
            self._flush(stop)
            self.outcome.seconds = self._clock() - start_s
        return self.outcome

    def _await_turn(self, number: int, start_s: float, stop: Event) -> float:
        """Return when the record is due, once that has come (or ``stop``)."""
        if not number % _POLL_EVERY:
            self._producer.poll(0)
        if self._interval_s is None:
            return self._clock()
        due_s = start_s + number * self._interval_s
        while (ahead_s := due_s - self._clock()) > 0 and not stop.is_set():
            self._producer.poll(0)
            # Not shorter, or a high rate would spend a core on waking up for single records.
            stop.wait(max(ahead_s, _SHORTEST_WAIT_S))
        return due_s

    def _queue(self, publication: Publication, due_s: float, stop: Event) -> bool:
        key, value, kind = publication
        callback = self._callbacks[kind]
        if self._due_times is not None:
            callback = partial(self._delivered, kind, due_s)
        trace = self._telemetry.sampler.begin()
        if trace.is_recorded:
            callback = partial(self._told, trace, time.time_ns(), callback)
        headers = trace.headers(trace.span_id)
        while True:
            try:
                self._producer.produce(
                    self._topic, value=value, key=key, on_delivery=callback, headers=headers
                )
            except BufferError:
                self._producer.poll(_FULL_QUEUE_WAIT_S)
                if stop.is_set():
                    return False
            else:
                return True

    def _delivered(self, kind: Kind, due_s: float | None, error: Any, message: Any) -> None:
        if error is not None:
            self.outcome.failed += 1
            self.outcome.first_failure = self.outcome.first_failure or str(error)
            return
        self.outcome.by_kind[kind] += 1
        if due_s is not None and self._due_times is not None:
            self._due_times.record(message.partition(), message.offset(), due_s)

    def _told(
        self,
        trace: Trace,
        began_ns: int,
        delivered: Callable[[Any, Any], None],
        error: Any,
        message: Any,
    ) -> None:
        told = Told(
            f"send {self._topic}",
            "producer",
            trace.ids,
            trace.parent_id,
            began_ns,
            time.time_ns(),
            messaging("send", self._topic),
            error="" if error is None else str(error),
        )
        self._telemetry.write(told)
        delivered(error, message)

    def _flush(self, stop: Event) -> None:
        """Wait as long as the producer retries (its own time-out ends that), less after a stop."""
        stopped_at_s = None
        while left := self._producer.flush(_FLUSH_STEP_S):
            if not stop.is_set():
                continue
            stopped_at_s = stopped_at_s or self._clock()
            if self._clock() - stopped_at_s > _FLUSH_AFTER_STOP_S:
                self.outcome.failed += left
                self.outcome.first_failure = self.outcome.first_failure or "not acknowledged"
                return
