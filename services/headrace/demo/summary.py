"""What a demo has seen, for people and for programs."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headrace.demo.drifting import Drifted
from headrace.demo.improvement import Improvement
from headrace.demo.tally import Tally
from headrace.demo.trace import Traced
from headrace.simulator.publisher import Published
from headrace.verification.report import Report

_PERCENTILES = (50, 99, 99.9)
EXAMPLES = 3


@dataclass(frozen=True)
class Summary:
    """Everything that a demo measured."""

    use_case: str
    event: str
    """Name of the events' schema, as ``card-fraud/Transaction``."""
    published: Published
    tally: Tally
    latencies_ms: NDArray[np.float64]
    """Empty where the events did not come at a rate."""
    echo_per_s: float | None
    verified: Report
    traced: Traced | None = None
    """One event's way, where traces are recorded."""
    learns: bool = False
    """Whether models learned beside."""
    improvement: Improvement | None = None
    """What those have done better that decided."""
    drifted: Drifted | None = None
    """What was noticed of a drift, where one was switched on."""

    @property
    def holds(self) -> bool:
        """Whether every published event came to something, and all of it is proved."""
        return self.verified.passed and self.tally.fates == self.published.published

    def numbers(self) -> dict[str, object]:
        """Return the summary's numbers by name."""
        tally, outcomes = self.tally, self.tally.outcomes
        numbers: dict[str, object] = {
            "published": self.published.published,
            "decided": tally.decided,
            **{f"  {action}": count for action, count in outcomes.actions.most_common()},
            "  of these late": outcomes.late,
            "  of these past the deadline": outcomes.deadline_missed,
            "  of these by the rules alone": outcomes.fallbacks.total(),
            "duplicates": tally.duplicates,
            "dead letters": tally.dead_letters.total(),
            **{f"  {reason}": count for reason, count in tally.dead_letters.most_common()},
            "published per s": round(self.published.rate),
            "decided per s": round(tally.decisions_per_s),
        }
        numbers |= self.latencies()
        if self.echo_per_s is not None:
            numbers["raw echo per s"] = round(self.echo_per_s)
            numbers["ratio to the raw echo"] = round(tally.decisions_per_s / self.echo_per_s, 3)
        return numbers

    def as_json(self) -> Mapping[str, object]:
        """Return everything as plain values."""
        return {
            "use_case": self.use_case,
            "holds": self.holds,
            "published_by_kind": dict(self.published.by_kind),
            **{name.strip().replace(" ", "_"): value for name, value in self.numbers().items()},
            "money": self.tally.outcomes.money.as_json(),
            "reasons": dict(self.tally.outcomes.reasons.most_common()),
            "examples": self.tally.outcomes.examples(EXAMPLES),
            "verified": self.verified.as_json(),
            "models": [
                {"model": model, "version": version, "decided": count}
                for (model, version), count in self.tally.outcomes.models.items()
            ],
            "improvement": self.improvement and self.improvement.as_json(),
            "drifted": self.drifted and self.drifted.as_json(),
            "trace": self.traced and self.traced.as_json(),
        }

    def latencies(self) -> dict[str, object]:
        """Return the percentiles of the latency by name; nothing where there was no rate."""
        if not len(self.latencies_ms):
            return {}
        values = np.percentile(self.latencies_ms, _PERCENTILES)
        return {
            f"latency p{percentile:g} ms": round(float(value), 1)
            for percentile, value in zip(_PERCENTILES, values, strict=True)
        }
