"""What a stream says of itself to its health endpoint and its metrics."""

from time import monotonic
from typing import Any, Final

from headrace.chassis.assignment import Assignment
from headrace.chassis.health import Health
from headrace.chassis.metrics import Metrics
from headrace.chassis.stages import StageClock
from headrace.chassis.state import KeyedState
from headrace.chassis.underway import Prepared

_EVERY_S: Final = 0.5


class Reporter:
    """Keeps health and metrics up to date.

    Parameters
    ----------
    assignment, state, clock
        What is looked at.
    """

    def __init__(
        self,
        health: Health,
        metrics: Metrics,
        assignment: Assignment[Any],
        state: KeyedState[Any],
        clock: StageClock,
    ) -> None:
        self._health = health
        self._metrics = metrics
        self._assignment = assignment
        self._state = state
        self._clock = clock
        self._reported_at = 0.0

    @property
    def is_due(self) -> bool:
        """Whether the last report is old."""
        return monotonic() - self._reported_at > _EVERY_S

    def report(self, held: str, *, is_paused: bool) -> None:
        """Say where the stream stands.

        Parameters
        ----------
        held
            Why nothing may be fetched; empty where it may.
        """
        self._reported_at = monotonic()
        health, metrics, assignment = self._health, self._metrics, self._assignment
        assignment.look_for_broker()
        health.not_ready = held or assignment.not_ready
        health.lag = assignment.lag()
        metrics.forget("lag_records")
        for partition, records in health.lag.items():
            metrics.gauge("lag_records", records, str(partition))
        metrics.gauge("state_keys", len(self._state))
        metrics.gauge("paused", float(is_paused))
        metrics.gauge("restore_seconds", assignment.restore_s)
        metrics.gauge("recovered_transactions", assignment.recovered)
        metrics.stages(self._clock.seconds)

    def committed(self, prepared: Prepared[Any]) -> None:
        """Count what a batch came to."""
        work, metrics = prepared.work, self._metrics
        if work.messages:
            metrics.batch(len(work.messages))
        metrics.count("transactions", 1, "committed")
        metrics.count("outgoing", sum(len(each.values) for each in prepared.records))
        metrics.count("state_bytes", work.overlay.changes.bytes_long)
        for name, amount in work.counts.items():
            metrics.count(name, amount)
        for dead in work.dead:
            metrics.count("dead_letters", 1, dead.reason)
