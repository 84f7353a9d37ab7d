"""How much is run."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from headrace.benchmark.contestants import Name
from headrace.benchmark.latency import Schedule
from headrace.benchmark.swaps import Swapping

SEED = 1
_GROWTH_ROUNDS = 3
_SWAPPING = Swapping(
    rate=1_000, seconds=3.5, every_s=2.0, settle_s=0.5, warm_up_s=1.5, outcomes=2_000
)
_TO_THE_KNEE = (500, 1_000, 2_000, 5_000, 10_000)


@dataclass(frozen=True)
class Plan:
    """Rounds, and what each contestant does in one."""

    rounds: int
    events: Mapping[Name, int]
    """For throughput; each contestant takes the first so many of the same payments."""
    schedule: Schedule
    swapping: Swapping
    timed: tuple[Name, ...] = ("headrace", "quix", "echo")
    """For latency."""
    more: bool = False
    """Whether that is measured, too, which is no comparison with the peers: who watches scoring,
    models that are swapped under load, frozen models."""
    growth_rounds: int = 0
    """Of the curves of growth."""

    def timed_in(self, number: int) -> tuple[Name, ...]:
        """Return who is timed in a round from 1 on: each of them comes first in its turn."""
        first = (number - 1) % len(self.timed)
        return self.timed[first:] + self.timed[:first]


def headline() -> Plan:
    """Return the plan of ``make bench``: five rounds."""
    return Plan(
        rounds=5,
        events={"headrace": 80_000, "quix": 30_000, "faust": 8_000, "echo": 120_000},
        schedule=Schedule((500, 1_000, 2_000), 3.0, 500, 1.5),
        swapping=_SWAPPING,
    )


def quick() -> Plan:
    """Return a plan of one round."""
    return Plan(
        rounds=1,
        events={"headrace": 40_000, "quix": 15_000, "faust": 4_000, "echo": 60_000},
        schedule=Schedule((500, 1_000, 2_000), 2.0, 500, 1.0),
        swapping=replace(_SWAPPING, outcomes=1_000),
    )


def with_growth(plan: Plan) -> Plan:
    """Return a plan with everything: curves of growth, and rates up to where latency explodes."""
    schedule = replace(plan.schedule, rates=_TO_THE_KNEE)
    growth_rounds = min(plan.rounds, _GROWTH_ROUNDS)
    return replace(plan, schedule=schedule, more=True, growth_rounds=growth_rounds)
