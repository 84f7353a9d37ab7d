"""Microseconds an event that features cost: the state, and what each kind of feature adds.

Run ``.venv/bin/python bench/features.py``; nothing else should be running. Cards pay as those of
the Fraud Detection Handbook do: some 70 payments in 30 days. Batches have 100 events of as many
cards, so every event copies the history of its card, as live; what a feature adds is the
difference to a feature set of one field.
"""

import random
import sys
from collections.abc import Callable, Mapping, Sequence
from statistics import quantiles
from time import process_time
from typing import Any

from pydantic import TypeAdapter

from headrace.chassis.state import KeyedState
from headrace.commands.console import print_table
from headrace.contracts.location import shipped
from headrace.usecase.buckets import Bucket, BucketedProfiles
from headrace.usecase.charter import Charter
from headrace.usecase.features import Feature, FeatureSet
from headrace.usecase.history import HistoryFormat, KeyHistory, id_digest
from headrace.usecase.profiles import Profile

SEED = 5
CARDS = 100
DAY_MS = 86_400_000
RETENTION_MS = 31 * DAY_MS
RUNS = 300
_ID, _PAYLOAD = id_digest("any"), b"8 bytes."

FIELD = {"name": "amount_minor", "field": "amount_minor"}
MEAN = {"name": "mean", "aggregate": "mean", "window": "30d"}
KINDS: Mapping[str, Sequence[dict[str, Any]]] = {
    "field": [{"name": "more", "field": "amount_minor"}],
    "field, nullable": [{"name": "km", "field": "distance_km", "default": 0}],
    "count 30d": [{"name": "it", "aggregate": "count", "window": "30d"}],
    "count 1d": [{"name": "it", "aggregate": "count", "window": "1d"}],
    "sum 30d": [{"name": "it", "aggregate": "sum", "window": "30d"}],
    "mean 30d": [MEAN],
    "count, sum, mean over 1d, 7d, 30d": [
        {"name": f"{aggregate}_{window}", "aggregate": aggregate, "window": window}
        for aggregate in ("count", "sum", "mean")
        for window in ("1d", "7d", "30d")
    ],
    "std 30d": [{"name": "it", "aggregate": "std", "window": "30d"}],
    "max 1d": [{"name": "it", "aggregate": "max", "window": "1d"}],
    "max 30d": [{"name": "it", "aggregate": "max", "window": "30d"}],
    "distinct 1d": [{"name": "it", "aggregate": "distinct", "of": "merchant_id", "window": "1d"}],
    "distinct 30d": [{"name": "it", "aggregate": "distinct", "of": "merchant_id", "window": "30d"}],
    "seconds_since_last": [
        {"name": "it", "aggregate": "seconds_since_last", "window": "30d", "default": 0}
    ],
    "calendar, UTC": [{"name": "it", "calendar": "hour"}],
    "calendar, zone": [{"name": "it", "calendar": "hour", "zone": "Europe/Berlin"}],
    "ratio (and its mean 30d)": [
        MEAN,
        {"name": "it", "ratio": ["amount_minor", "mean"], "default": 1},
    ],
    "log": [{"name": "it", "log": "amount_minor"}],
    "clip": [{"name": "it", "clip": "amount_minor", "max": 9_000}],
    "flag of a number": [{"name": "it", "flag": "amount_minor", "above": 9_000}],
    "flag of a text": [{"name": "it", "flag": "merchant_id", "one_of": ["merchant-1"]}],
}


def feature_set(features: Sequence[Mapping[str, Any]]) -> FeatureSet:
    """Return declared features over the events of :func:`payments`."""
    declared = TypeAdapter(tuple[Feature, ...]).validate_python(features)
    return FeatureSet(declared, key="card_id", time="occurred_at_ms", amount="amount_minor")


def payments(start_ms: int, count: int) -> list[dict[str, Any]]:
    """Return payments in the order of time, a card's some 10 hours apart."""
    chance = random.Random(SEED)  # noqa: S311 -- made-up events, no secret
    step_ms = RETENTION_MS // 70 // CARDS
    return [
        {
            "card_id": f"card-{number % CARDS}",
            "merchant_id": f"merchant-{chance.randrange(60)}",
            "amount_minor": chance.randrange(10_000),
            "occurred_at_ms": start_ms + number * step_ms,
            "distance_km": None if number % 3 else 12.5,
        }
        for number in range(count)
    ]


class Desk:
    """Takes in events as scoring does, up to the matrix."""

    def __init__(self, features: FeatureSet, batch: int) -> None:
        self._features = features
        self._batch = batch
        self._state: KeyedState[KeyHistory] = KeyedState(
            _Layout(HistoryFormat(RETENTION_MS, features.layout))
        )
        self._offset = 0

    def take_in(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Compute the vectors of events."""
        for first in range(0, len(records), self._batch):
            part = records[first : first + self._batch]
            overlay, measured = self._state.overlay(), list[float]()
            for record in part:
                key = record["card_id"]
                history = overlay.get(0, key)
                history.find(_ID, record["occurred_at_ms"], 0)
                time_ms, tokens = record["occurred_at_ms"], self._features.tokens(record)
                index, slot, body = history.add(
                    time_ms, record["amount_minor"], self._offset, _PAYLOAD * 2, _PAYLOAD, tokens
                )
                overlay.change(0, key, slot, self._offset, body)
                measured += self._features.windows.measure(history, index)
                self._offset += 1
            self._features.matrix(part, measured)
            overlay.merge({0})


class _Layout:
    """Histories for every key."""

    def __init__(self, histories: HistoryFormat) -> None:
        self.version = histories.version
        self.copy, self.apply = histories.copy, histories.apply
        self.empty: Callable[[str], KeyHistory] = lambda _: histories.empty()


def microseconds(features: FeatureSet, batch: int = CARDS) -> float:
    """Time every ``CARDS`` events, and return the lower quartile for one.

    What disturbs a run only ever makes it longer.
    """
    desk = Desk(features, batch)
    records = payments(0, (80 + RUNS) * CARDS)
    desk.take_in(records[: 80 * CARDS])
    took = []
    for first in range(80 * CARDS, len(records), CARDS):
        begun = process_time()
        desk.take_in(records[first : first + CARDS])
        took.append(process_time() - begun)
    return quantiles(took)[0] / CARDS * 1e6


def bucketed_profiles(windows: Sequence[str]) -> BucketedProfiles:
    """Return what is held of 60 merchants by the hour, and measured over some windows."""
    features = [
        {"name": "it", "profile": "merchant", "measure": measure, "window": window, "delay": "7d"}
        for window in windows
        for measure in ("count", "positive_share")
    ]
    declared = {"merchant": Profile(key="merchant_id")}
    known = FeatureSet(
        TypeAdapter(tuple[Feature, ...]).validate_python(features),
        key="card_id",
        time="occurred_at_ms",
        amount="amount_minor",
        profiles=declared,
    ).new_bucketed_profiles()
    hour_ms = declared["merchant"].bucket_ms
    for merchant in range(60):
        for end_ms in range(0, 2 * RETENTION_MS, hour_ms):
            known.put(Bucket.of("merchant", f"merchant-{merchant}", end_ms, hour_ms), 9, 1)
    return known


def looked_up(known: BucketedProfiles) -> float:
    """Return the microseconds in which scoring measures the profiles of an event, likewise."""
    records, took = payments(2 * RETENTION_MS - DAY_MS, CARDS), []
    for _ in range(RUNS):
        begun = process_time()
        for record in records:
            known.measure(record)
        took.append(process_time() - begun)
    return quantiles(took)[0] / CARDS * 1e6


def main() -> None:
    """Print what the state costs, each kind, and the card fraud charter's whole set."""
    base = microseconds(feature_set([FIELD]))
    rows = [{"feature": "state, and one field", "µs an event": f"{base:.2f}"}]
    for kind, features in KINDS.items():
        more = microseconds(feature_set([FIELD, *features])) - base
        rows.append({"feature": f"+ {kind}", "µs an event": f"{more:.2f}"})
    for windows in (["30d"], ["1d", "7d", "30d"]):
        more = looked_up(bucketed_profiles(windows))
        kind = f"+ profile's count and positive_share over {', '.join(windows)}"
        rows.append({"feature": kind, "µs an event": f"{more:.2f}"})
    charter = Charter.load(shipped("deploy") / "charters/card-fraud.toml").feature_set
    for batch in (CARDS, 10, 1):
        whole = f"card-fraud's {len(charter.names)} with the state, batches of {batch}"
        rows.append({"feature": whole, "µs an event": f"{microseconds(charter, batch):.2f}"})
    print_table("Features", rows)


if __name__ == "__main__":
    sys.exit(main())
