"""Sketches of a made use case, hour after hour: as usual, or with features that have shifted."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from headrace.contracts.records import SignalChanged, SignalKind
from headrace.drift.monitor import Change, Sized
from headrace.drift.recording import Evidence, signal_changed
from headrace.drift.volume import hour_of_week
from headrace.drift.watch import Noticed
from headrace.usecase.charter import Charter

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
START_MS = (2_900 * 7 + 4) * DAY_MS
"""A Monday's midnight."""
STEP_MS = 6 * HOUR_MS
"""From one sketch to the next."""
_BINS = np.arange(100, 108)
_SHARES = (0.05, 0.1, 0.2, 0.25, 0.2, 0.1, 0.07, 0.03)


class Traffic:
    """Makes sketches of 500 records, the same for the same seed.

    Parameters
    ----------
    seed
        Of what chance decides.
    """

    def __init__(self, charter: Charter, seed: int) -> None:
        self._charter = charter
        self._rng = np.random.default_rng(seed)
        self._number = 0

    def decisions(
        self,
        shifts: Mapping[str, int] | None = None,
        counts: Mapping[str, int] | None = None,
        *,
        model: str = "scorecard",
    ) -> dict[str, Any]:
        """Return the next sketch of decisions; some histograms are shifted by so many bins.

        Of each of the charter's segments both values are there, 250 decisions each; of "weekend",
        which comes with time, only one at a time.
        """
        names = dict.fromkeys([*self._charter.feature_set.names, "score"], 500)
        for name in self._charter.drift.segments:
            values = [self.weekend] if name == "weekend" else [0, 1]
            names |= {f"score/{name}={value}": 500 // len(values) for value in values}
        histograms = [
            self._histogram(name, (shifts or {}).get(name, 0), records)
            for name, records in names.items()
        ]
        return self._sketch("decisions", counts or {}, histograms, model)

    def events(self, records: int = 500, counts: Mapping[str, int] | None = None) -> dict[str, Any]:
        """Return the next sketch of events."""
        return self._sketch("events", {"schema/1": records} | dict(counts or {}), records=records)

    def letters(self, records: int) -> dict[str, Any]:
        """Return the next sketch of dead letters."""
        return self._sketch("events.dlq", {"reason/undecodable": records}, records=records)

    def outcome(
        self,
        value: bool,
        score: float,
        *,
        model: str = "scorecard",
        source: str = "chargeback",
        features: Mapping[str, float] | None = None,
    ) -> dict[str, Any]:
        """Return what an event of ten days ago turned out to be: the parts that are looked at.

        Parameters
        ----------
        features
            Some of them; the others are 0, but for "weekend".
        """
        at_ms, feature_set = self.now_ms, self._charter.feature_set
        known = {"weekend": self.weekend, **(features or {})}
        return {
            "decision_id": f"decision-{at_ms}",
            "occurred_at_ms": at_ms - 10 * DAY_MS,
            "known_at_ms": at_ms,
            "delay_ms": 10 * DAY_MS,
            "feature_set": feature_set.digest,
            "features": [float(known.get(name, 0)) for name in feature_set.names],
            "model": model,
            "fallback": "",
            "score": score,
            "value": value,
            "source": source,
            "replaces": None,
        }

    @property
    def now_ms(self) -> int:
        """When it is (event time)."""
        return START_MS + self._number * STEP_MS

    @property
    def weekend(self) -> int:
        """Whether it is a weekend: 0 or 1."""
        return int(hour_of_week(self.now_ms) >= 5 * 24)

    def passes(self) -> None:
        """Let six hours pass."""
        self._number += 1

    def _histogram(self, name: str, shift: int, records: int) -> dict[str, Any]:
        counts = self._rng.multinomial(records, _SHARES)
        bins = _BINS + shift
        is_any = counts > 0
        return {
            "name": name,
            "sum": float((bins * counts).sum()),
            "bins": bins[is_any].tolist(),
            "counts": counts[is_any].tolist(),
        }

    def _sketch(
        self,
        plural: str,
        counts: Mapping[str, int],
        histograms: Collection[Mapping[str, Any]] = (),
        model: str = "",
        records: int = 500,
    ) -> dict[str, Any]:
        at_ms = self.now_ms
        offset = self._number * 500
        return {
            "use_case": self._charter.name,
            "source_topic": f"{self._charter.name}.{plural}",
            "source_partition": 0,
            "first_offset": offset,
            "last_offset": offset + records - 1,
            "records": records,
            "hour_of_week": hour_of_week(at_ms),
            "start_ms": at_ms,
            "end_ms": at_ms + 1,
            "model": model,
            "model_version": "1" if model else "",
            "histograms": list(histograms),
            "counts": [{"name": name, "records": counts[name]} for name in sorted(counts)],
            "example": f"{self._charter.name}.events:0:{offset}" if model else "",
        }


def signal(use_case: str, kind: SignalKind, at_ms: int = START_MS) -> SignalChanged:
    """Return a drift that was raised."""
    sized = Sized(-1.0, -2.0, -1.0)
    change = Change(
        is_raised=True,
        reason="",
        began_ms=at_ms,
        noticed_at_ms=at_ms + DAY_MS,
        observed=30,
        sized=sized,
        rarity=2.0,
        examples=[],
    )
    subject = {"concept": "concept/negatives", "calibration": "calibration/score"}.get(kind, kind)
    noticed = Noticed(subject, kind, change, 600_000.0, [], "logistic", "")
    return signal_changed(use_case, noticed, Evidence(f"{use_case}.outcomes", 0, 7))
