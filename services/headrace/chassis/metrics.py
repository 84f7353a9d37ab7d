"""The metrics of a service, by name from one closed list, for Prometheus."""

from collections.abc import Mapping
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from headrace.chassis.stages import Stage

CountName = Literal[
    "records",  # input records whose transaction was committed
    "dead_letters",  # of these, dead letters, by reason
    "duplicates",  # of these, events that had been decided before
    "fallbacks",  # decisions that the charter's rules made, because the model could not
    "deadlines_missed",  # decisions that came later than the charter's deadline
    "models_swapped",  # published models that were taken over
    "models_refused",  # published models that were told to serve and could not be trusted
    "observations_passed_over",  # of profiles that are not declared, or too long ago
    "watched_passed_over",  # the handler fails on them, and another service answers for them
    "outcomes_passed_over",  # that nothing could be learned from
    "models_published",
    "retrainings",  # by outcome: published, failed
    "snapshots",
    "signals_raised",  # drifts that were noticed
    "signals_cleared",
    "incident_changes",
    "alerts",  # that people are to be told
    "deliveries",  # tries to tell them, by outcome: delivered, retry, hopeless, dropped
    "transactions",  # by outcome: committed, failed
    "state_bytes",  # bytes of changelog values written
    "outgoing",  # output records, dead letters and changelog included
]
GaugeName = Literal[
    "live",  # 1 while the loop turns, as /live says
    "ready",  # 1 while it works, or waits as a spare, as /ready says
    "lag_records",  # records waiting, by partition
    "state_keys",  # keys held in memory
    "restore_seconds",  # how long the latest restore took
    "recovered_transactions",  # that seemed to fail and turned out committed
    "paused",  # 1 while the service is paused
    "retraining_due_timestamp_seconds",  # when the next is due; 0 where no model was published yet
    "retraining_seconds",  # how long the latest took
    "retraining_outcomes",  # from how many it has learned
]
_LABELS: Mapping[str, tuple[str, ...]] = {
    "dead_letters": ("reason",),
    "retrainings": ("outcome",),
    "transactions": ("outcome",),
    "deliveries": ("outcome",),
    "lag_records": ("partition",),
}
_BATCH_BUCKETS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)


class Metrics:
    """Counts and gauges of one service; names outside the list fail the type check."""

    def __init__(self, service: str) -> None:
        self._registry = CollectorRegistry()
        self._counters = {
            name: Counter(
                f"headrace_{name}",
                f"{service}: {name}",
                _LABELS.get(name, ()),
                registry=self._registry,
            )
            for name in get_args(CountName)
        }
        self._gauges = {
            name: Gauge(
                f"headrace_{name}",
                f"{service}: {name}",
                _LABELS.get(name, ()),
                registry=self._registry,
            )
            for name in get_args(GaugeName)
        }
        self._stages = Counter(
            "headrace_stage_seconds",
            f"{service}: where the time went",
            ("stage",),
            registry=self._registry,
        )
        self._batches = Histogram(
            "headrace_batch_records",
            f"{service}: input records in one transaction",
            buckets=_BATCH_BUCKETS,
            registry=self._registry,
        )
        self._stages_shown: dict[Stage, float] = {}

    def count(self, name: CountName, amount: int = 1, *labels: str) -> None:
        """Add to a counter."""
        counter = self._counters[name]
        (counter.labels(*labels) if labels else counter).inc(amount)

    def gauge(self, name: GaugeName, value: float, *labels: str) -> None:
        """Set a gauge."""
        gauge = self._gauges[name]
        (gauge.labels(*labels) if labels else gauge).set(value)

    def forget(self, name: GaugeName) -> None:
        """Drop a labelled gauge's values: what it told of may be another instance's by now."""
        self._gauges[name].clear()

    def batch(self, records: int) -> None:
        """Note the size of a committed batch."""
        self._batches.observe(records)
        self.count("records", records)

    def stages(self, seconds: Mapping[Stage, float]) -> None:
        """Bring the stage counters up to a stage clock's totals."""
        for stage, total in seconds.items():
            grown = total - self._stages_shown.get(stage, 0.0)
            if grown > 0:
                self._stages.labels(stage).inc(grown)
                self._stages_shown[stage] = total

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        return generate_latest(self._registry)
