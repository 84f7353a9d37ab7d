"""The benchmark's job, as every contestant but headrace does it: an event in, two records out.

Plain Python and fastavro, an event at a time, as a stream processor's users write it. The file
that the program is given says which schemas, model and values; nothing here knows headrace.
"""

import json
import math
import time
from array import array
from bisect import bisect_right
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import fastavro

DAY_MS = 86_400_000
WINDOWS_MS = (DAY_MS, 7 * DAY_MS, 30 * DAY_MS)
LATENESS_MS = DAY_MS
KEPT_MS = WINDOWS_MS[-1] + LATENESS_MS
ACTIONS = ("approve", "review", "decline")
MOST_REASONS = 4
FRAMING_BYTES = 5

# What is said where a feature counts against an event.
WORDS = (
    "the amount of {:,.2f} is large",
    "it is this card's payment number {:.0f} within a day",
    "this card's payments of the last day have a mean of {:,.2f}",
    "it is this card's payment number {:.0f} within 7 days",
    "this card's payments of the last 7 days have a mean of only {:,.2f}",
    "it is this card's payment number {:.0f} within 30 days",
    "this card's payments of the last 30 days have a mean of only {:,.2f}",
)
IN_MINOR_UNITS = (True, False, True, False, True, False, True)


class Outputs(NamedTuple):
    """What comes of one event."""

    decision: bytes
    audit: bytes


@dataclass(frozen=True)
class Settings:
    """What the program is to do; read from the file that it is given."""

    bootstrap_servers: str
    group: str
    events: str
    decisions: str
    audits: str
    changelog: str
    state_dir: str
    job: dict[str, Any]
    tuning: dict[str, Any]

    @classmethod
    def load(cls, path: str) -> "Settings":
        """Read them."""
        return cls(**json.loads(Path(path).read_text("utf-8")))


class History:
    """The times and amounts of one card's payments, by time; packed, it is what the state holds."""

    def __init__(self, packed: bytes | None) -> None:
        self._columns = array("q", packed or b"")
        half = len(self._columns) // 2
        self.times_ms = self._columns[:half]
        self.amounts = self._columns[half:]

    def add(self, time_ms: int, amount: int) -> int:
        """Take a payment in, forget what is due, and return the payment's place."""
        times_ms, amounts = self.times_ms, self.amounts
        latest_ms = max(time_ms, times_ms[-1]) if times_ms else time_ms
        if due := bisect_right(times_ms, latest_ms - KEPT_MS):
            del times_ms[:due], amounts[:due]
        place = bisect_right(times_ms, time_ms)
        times_ms.insert(place, time_ms)
        amounts.insert(place, amount)
        return place

    def measure(self, place: int) -> list[float]:
        """Return count and mean of the windows that end at a payment."""
        measured: list[float] = []
        time_ms, end = self.times_ms[place], place + 1
        for span_ms in WINDOWS_MS:
            start = bisect_right(self.times_ms, time_ms - span_ms, 0, end)
            count = end - start
            measured += (float(count), sum(self.amounts[start:end]) / count)
        return measured

    def packed(self) -> bytes:
        """Return the bytes that the state holds."""
        return (self.times_ms + self.amounts).tobytes()


class Job:
    """Decides events, one at a time.

    Parameters
    ----------
    given
        Schemas, their ids, the model, the values and the names that the records carry.
    """

    def __init__(self, given: dict[str, Any]) -> None:
        self._names = given["names"]
        self._features = given["features"]
        self._digests = {name: bytes.fromhex(text) for name, text in given["digests"].items()}
        self._intercept = given["model"]["intercept"]
        self._terms = [tuple(term) for term in given["model"]["terms"]]
        self._values = given["values"]
        schemas = {
            name: fastavro.parse_schema(json.loads(Path(path).read_text("utf-8")))
            for name, path in given["schemas"].items()
        }
        self._event, self._decision, self._audit = (
            schemas[name] for name in ("event", "decision", "audit")
        )
        self._framings = {
            name: b"\x00" + number.to_bytes(4, "big") for name, number in given["ids"].items()
        }

    def decode(self, value: bytes) -> dict[str, Any]:
        """Read an event."""
        return fastavro.schemaless_reader(BytesIO(value[FRAMING_BYTES:]), self._event, None)

    def decide(
        self,
        value: bytes,
        event: dict[str, Any],
        history: History,
        source: tuple[str, int, int],
    ) -> Outputs:
        """Move the card's windows, decide, and return decision and audit record.

        Parameters
        ----------
        value, event
            The event as it was read, and decoded.
        history
            The card's; the event is taken in.
        source
            The event's topic, partition and offset.
        """
        now_ms = time.time_ns() // 1_000_000
        amount = event["amount_minor"]
        place = history.add(event["occurred_at_ms"], amount)
        vector = [float(amount), *history.measure(place)]
        score, contributions = self._score(vector)
        action, cost = self._cheapest(score, amount)
        identity = self._identity(event, source)
        decision = self._encode(
            "decision",
            self._decision,
            {
                **identity,
                **self._names["decision"],
                **self._digests,
                "occurred_at_ms": event["occurred_at_ms"],
                "decided_at_ms": now_ms,
                "amount_minor": amount,
                "currency": event["currency"],
                "features": vector,
                "score": score,
                "action": action,
                "contributions": contributions,
                "expected_cost_minor": round(cost),
                **self._why(action, vector, contributions),
            },
        )
        audit = self._encode(
            "audit",
            self._audit,
            {
                **identity,
                **self._names["audit"],
                "model_digest": self._digests["model_digest"],
                "charter_digest": self._digests["charter_digest"],
                "input_sha256": sha256(value).digest(),
                "decision_sha256": sha256(decision).digest(),
                "recorded_at_ms": now_ms,
            },
        )
        return Outputs(decision, audit)

    def _score(self, vector: list[float]) -> tuple[float, list[float]]:
        total, contributions = self._intercept, []
        for value, (mean, scale, weight) in zip(vector, self._terms, strict=True):
            added = (value - mean) / scale * weight
            contributions.append(added)
            total += added
        small = math.exp(-abs(total))
        return (small if total < 0 else 1.0) / (1.0 + small), contributions

    def _cheapest(self, score: float, amount: int) -> tuple[str, float]:
        values = self._values
        missed, declined, review = values["missed"], values["false_decline"], values["review"]
        approving = score * (amount * missed["share"] + missed["fixed_minor"])
        costs = (
            approving,
            approving * review["missed_share"] + review["cost_minor"],
            (1.0 - score) * (amount * declined["share"] + declined["fixed_minor"]),
        )
        cost = min(costs)
        return ACTIONS[costs.index(cost)], cost

    def _identity(self, event: dict[str, Any], source: tuple[str, int, int]) -> dict[str, Any]:
        topic, partition, offset = source
        return {
            "decision_id": f"{topic}:{partition}:{offset}",
            "event_id": event["event_id"],
            "key": event["card_id"],
            "source_topic": topic,
            "source_partition": partition,
            "source_offset": offset,
        }

    def _why(
        self, action: str, vector: list[float], contributions: list[float]
    ) -> dict[str, list[str]]:
        if action == "approve":
            return {"reasons": [], "reason_codes": []}
        against = [place for place, added in enumerate(contributions) if added > 0.0]
        against.sort(key=contributions.__getitem__, reverse=True)
        most = against[:MOST_REASONS]
        return {
            "reasons": [
                WORDS[i].format(vector[i] / 100 if IN_MINOR_UNITS[i] else vector[i]) for i in most
            ],
            "reason_codes": [self._features[i] for i in most],
        }

    def _encode(self, name: str, schema: Any, record: dict[str, Any]) -> bytes:
        buffer = BytesIO()
        buffer.write(self._framings[name])
        fastavro.schemaless_writer(buffer, schema, record)
        return buffer.getvalue()
