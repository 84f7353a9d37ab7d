"""A world's purchases as they reach the topic: mostly in order, some late, twice or broken."""

from collections import deque
from collections.abc import Iterator, Mapping
from itertools import count, islice
from typing import Any

from headrace.simulator.kinds import KINDS, REJECTED, Kind, Publication
from headrace.simulator.ledger import Ledger
from headrace.simulator.malformed import Encode, malform
from headrace.simulator.population import ONLINE
from headrace.simulator.scenario import Drift, Scenario
from headrace.simulator.seasons import SPAN_DAYS
from headrace.simulator.world import World

SHARES: Mapping[Kind, float] = {
    "out_of_order": 0.02,
    "late": 0.005,
    "duplicate": 0.01,
    "id_conflict": 0.002,
    "null_value": 0.001,
    "bad_framing": 0.002,
    "unknown_schema": 0.001,
    "undecodable": 0.003,
    "trailing_bytes": 0.002,
    "invalid_value": 0.004,
    "future": 0.001,
    "key_mismatch": 0.001,
}
"""Share of each kind in what is published; the rest is ordinary."""
_SOON = 10
_REMEMBERED = 2_000
_BLOCK = 4_096


class Traffic:
    """Exactly ``events`` publications; equal arguments give equal bytes.

    Identifiers carry the seed and the number, so that what two different runs publish into one
    topic never meets on a card.

    Parameters
    ----------
    seed
        From 0.
    events
        How many.
    encode
        Writes card-fraud/Transaction as published.
    lateness_ms
        The lateness that the charter allows.
    duplicate_span_ms
        The span in which the charter finds duplicates; all of ours lie within half of it.
    shares
        Share of each kind. Kinds that need an earlier record are ordinary until there is one.
    drifts
        What changes in the world, and when; at most one of each kind.
    days
        Event time that they fill.
    ledger
        Receives the truth about each purchase that is published.
    """

    def __init__(
        self,
        seed: int,
        events: int,
        encode: Encode,
        *,
        lateness_ms: int,
        duplicate_span_ms: int,
        shares: Mapping[Kind, float] = SHARES,
        drifts: tuple[Drift, ...] = (),
        days: int = SPAN_DAYS,
        ledger: Ledger | None = None,
    ) -> None:
        scenario = Scenario(seed, events, drifts, days)
        self._world = World(scenario)
        self._events = events
        self._encode = encode
        self._lateness_ms = lateness_ms
        self._duplicate_age_ms = duplicate_span_ms // 2
        self._shares = shares
        self._name = scenario.name
        self._random = scenario.random("traffic")
        self._ledger = ledger
        self._newest_ms: dict[str, int] = {}
        self._decided: deque[tuple[dict[str, Any], bytes]] = deque(maxlen=_REMEMBERED)

    def __iter__(self) -> Iterator[Publication]:
        """Yield in the order in which they are to be published; can be done once."""
        purchases = self._purchases()
        for kind in islice(self._kinds(), self._events):
            if kind in ("duplicate", "id_conflict"):
                yield self._repeat(kind) or self._ordinary(next(purchases))
            elif kind in REJECTED:
                record = next(purchases)
                self._note(kind, record["occurred_at_ms"])
                key, value = malform(kind, record, self._encode, self._random)
                yield Publication(key, value, kind)
            elif kind == "ordinary":
                yield self._ordinary(next(purchases))
            else:
                yield self._displaced(kind, next(purchases))

    def _note(self, kind: Kind, at_ms: int) -> None:
        if self._ledger is not None:
            self._ledger.note(kind, at_ms)

    def _ordinary(self, record: dict[str, Any]) -> Publication:
        self._note("ordinary", record["occurred_at_ms"])
        value = self._encode(record)
        self._newest_ms[record["card_id"]] = record["occurred_at_ms"]
        self._decided.append((record, value))
        return Publication(record["card_id"], value, "ordinary")

    def _displaced(self, kind: Kind, record: dict[str, Any]) -> Publication:
        """Move a purchase back behind the newest of its card; the first one cannot be late."""
        newest_ms = self._newest_ms.get(record["card_id"])
        if newest_ms is None:
            return self._ordinary(record)
        # A tenth away from the limits, so that it does not matter on which side they count.
        low, high = (0.1, 0.9) if kind == "out_of_order" else (1.1, 2.0)
        behind_ms = int(self._random.uniform(low, high) * self._lateness_ms)
        self._note(kind, newest_ms - behind_ms)
        moved = {**record, "occurred_at_ms": newest_ms - behind_ms}
        return Publication(record["card_id"], self._encode(moved), kind)

    def _repeat(self, kind: Kind) -> Publication | None:
        """Send one of the latest again, or any that is remembered; None where it is too old."""
        decided = len(self._decided)
        if not decided:
            return None
        among = min(_SOON, decided) if self._random.random() < 0.5 else decided
        record, value = self._decided[-self._random.integers(1, among + 1)]
        key = record["card_id"]
        if self._newest_ms[key] - record["occurred_at_ms"] > self._duplicate_age_ms:
            return None
        if kind == "id_conflict":
            value = self._encode({**record, "amount_minor": record["amount_minor"] + 1})
        return Publication(key, value, kind)

    def _kinds(self) -> Iterator[Kind]:
        shares = [self._shares.get(kind, 0.0) for kind in KINDS[1:]]
        chances = [1.0 - sum(shares), *shares]
        while True:
            for index in self._random.choice(len(KINDS), size=_BLOCK, p=chances).tolist():
                yield KINDS[index]

    def _purchases(self) -> Iterator[dict[str, Any]]:
        name, numbers = self._name, count()
        for day in self._world.days():
            if self._ledger is not None:
                self._ledger.add(self._world, day)
            distances_km = self._world.distance_km(day["card"], day["merchant"]).round(3).tolist()
            for purchase, distance_km in zip(day.tolist(), distances_km, strict=True):
                at_ms, card, merchant, amount_minor, _ = purchase
                yield {
                    "event_id": f"{name}-e{next(numbers):06d}",
                    "card_id": f"{name}-c{card:05d}",
                    "merchant_id": f"{name}-m{merchant:05d}",
                    "amount_minor": amount_minor,
                    "currency": "EUR",
                    "occurred_at_ms": at_ms,
                    "distance_km": distance_km if merchant % ONLINE else None,
                }
