"""Microseconds in which sketching keeps up with an event: the event, and its decision.

Run ``.venv/bin/python bench/sketching.py``; nothing else should be running. Scoring decides the
same events in the same run, batch by batch in turn with sketching; both from the bytes of what they
read to the bytes of what they write, and without a broker, which would cost both of them the same
for each record. So the ratio is what counts.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from time import process_time
from types import SimpleNamespace
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from headrace.benchmark.payments import growing, in_turn
from headrace.chassis.lifecycle import tune_collector
from headrace.chassis.records import Handled, Received
from headrace.chassis.stages import StageClock
from headrace.chassis.state import KeyedState, Stateless, View
from headrace.chassis.topology import Channel
from headrace.commands.console import print_table
from headrace.contracts.codec import Decoder, Encoder
from headrace.contracts.schemas import load_schema, nullable_fields
from headrace.models.frozen import FrozenModel
from headrace.models.scorecard import freeze_scorecard
from headrace.scoring.app import Decider
from headrace.scoring.domain import Scorer
from headrace.scoring.state import ScoringFormat
from headrace.sketching.app import Watcher
from headrace.sketching.domain import Decisions, Sketcher
from headrace.usecase.charter import Charter
from headrace.usecase.entities import EntityLists
from headrace.usecase.history import HistoryFormat

SEED = 1
BATCH = 1_000
BATCHES = 40
WARM_UP = 10
NOW_MS = 1_893_456_000_000
"""2030: after all of the events."""
Values = Sequence[tuple[str, bytes]]
"""Keys and values."""
R = TypeVar("R")
ROOT = Path(__file__).resolve().parents[1]
CHARTERS = ("bench/charter.toml", "deploy/charters/card-fraud.toml")
TRAFFIC = {
    "80 an hour": in_turn(600, BATCH * BATCHES, 20, SEED),
    "5 an hour": growing(BATCH * BATCHES, SEED),
}


class Reading:
    """Turns records of a topic into what a handler gets."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._offset = 0

    def of(self, values: Values) -> list[Received]:
        """Decode records that come one after the other."""
        first, self._offset = self._offset, self._offset + len(values)
        decode = self._channel.decode
        return [
            Received(0, offset, key, value, decode(value), NOW_MS)
            for offset, (key, value) in enumerate(values, first)
        ]


class Scoring:
    """Decides events as the service does; every transaction is committed at once."""

    def __init__(self, charter: Charter) -> None:
        topic = f"{charter.name}.events"
        with TemporaryDirectory() as folder:
            key = Ed25519PrivateKey.generate()
            model = FrozenModel(freeze_scorecard(charter, Path(folder), key, 0))
        scorer = Scorer(charter, model, EntityLists({}), lambda: NOW_MS, topic, 1)
        decisions, audits = channel("DecisionMade"), channel("AuditRecorded")
        self._decide = Decider(SimpleNamespace(model=model), lambda _: scorer, decisions, audits)
        self._state = KeyedState(
            ScoringFormat(HistoryFormat(charter.retention_ms, charter.feature_set.layout))
        )
        self._reading = Reading(channel(charter.events.schema))

    def __call__(self, events: Values) -> Values:
        """Return the decisions."""
        overlay = self._state.overlay()
        handled = self._decide(self._reading.of(events), overlay, StageClock())
        overlay.merge({0})
        decisions = handled.outgoing[0]
        return list(zip(decisions.keys, decisions.values, strict=True))


class Sketching:
    """Sketches records of one input as the service does."""

    def __init__(self, charter: Charter, record: str) -> None:
        sketcher = Sketcher(charter, nullable_fields(charter.events.schema))
        sketch = sketcher.decisions if record == "DecisionMade" else sketcher.events
        self._watch = Watcher("any", sketch, channel("TrafficSketched"), lambda: NOW_MS)
        fields = Decisions._fields if record == "DecisionMade" else sketcher.event_fields
        self._reading = Reading(channel(record, fields))
        self._view: View[None] = KeyedState(Stateless()).overlay()

    def __call__(self, values: Values) -> Handled:
        """Return the sketches."""
        return self._watch(self._reading.of(values), self._view, StageClock())


def channel(record: str, kept: Sequence[str] | None = None) -> Channel:
    """Return a channel for records of the platform, or of a use case."""
    schema = load_schema(record if "/" in record else f"platform/{record}")
    return Channel("any", Encoder(schema, 1), Decoder(schema, lambda _: schema, 1_048_576, kept))


class Stopwatch:
    """Times work, batch by batch."""

    def __init__(self) -> None:
        self._took: dict[str, list[float]] = defaultdict(list)

    def timed(self, what: str, work: Callable[[Values], R], values: Values) -> R:
        """Work, and note how long that took."""
        begun = process_time()
        result = work(values)
        self._took[what].append(process_time() - begun)
        return result

    def microseconds(self, what: str) -> float:
        """Return the lower quartile for a record: what disturbs only ever makes it longer."""
        return quantiles(self._took[what][WARM_UP:])[0] / BATCH * 1e6


def measured(name: str, traffic: str) -> dict[str, object]:
    """Make one row."""
    charter = Charter.load(ROOT / name)
    scoring, events = Scoring(charter), Sketching(charter, charter.events.schema)
    decisions, watch = Sketching(charter, "DecisionMade"), Stopwatch()
    records = TRAFFIC[traffic].records(channel(charter.events.schema).encode)
    sketches = 0
    for first in range(0, len(records), BATCH):
        batch = records[first : first + BATCH]
        decided = watch.timed("scoring", scoring, batch)
        watch.timed("events", events, batch)
        told = watch.timed("decisions", decisions, decided)
        sketches += len(told.outgoing[0].values)
    took = {what: watch.microseconds(what) for what in ("scoring", "events", "decisions")}
    return {
        "features": len(charter.feature_set.names),
        "events": traffic,
        "a sketch": round(len(records) / sketches),
        **{f"{what} µs": f"{us:.1f}" for what, us in took.items()},
        "ratio": f"{(took['events'] + took['decisions']) / took['scoring']:.2f}",
    }


if __name__ == "__main__":
    tune_collector()
    rows = [measured(name, traffic) for name in CHARTERS for traffic in TRAFFIC]
    print_table("Microseconds an event", rows)
