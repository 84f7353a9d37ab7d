"""What the world says about a decided event, when, and by whom; pure, from a seed.

What becomes known depends on what was decided. Nobody charges back what was declined, and nobody
looks at what was approved: a label is missing not by chance but because of the decision.
"""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from headrace.simulator.scenario import Scenario
from headrace.simulator.seasons import DAY_MS, HOUR_MS

Source: TypeAlias = Literal["analyst", "chargeback", "correction", "appeal"]


class Delay(NamedTuple):
    """Event time until a source speaks: log-normal, within limits."""

    median_ms: int
    sigma: float
    least_ms: int
    most_ms: int

    def drawn_ms(self, random: np.random.Generator) -> int:
        """Draw one; what is beyond a limit is at it."""
        drawn = self.median_ms * np.exp(self.sigma * random.standard_normal())
        return int(np.clip(drawn, self.least_ms, self.most_ms))


DELAYS: Mapping[Source, Delay] = {
    "analyst": Delay(3 * HOUR_MS, 0.8, HOUR_MS // 6, DAY_MS),
    "chargeback": Delay(18 * DAY_MS, 0.5, 3 * DAY_MS, 56 * DAY_MS),
    "correction": Delay(10 * DAY_MS, 0.4, 2 * DAY_MS, 28 * DAY_MS),  # from the verdict on
    "appeal": Delay(2 * DAY_MS, 0.8, HOUR_MS, 14 * DAY_MS),
}
OVERLOOKED = 0.10
"""Share of the reviewed frauds that an analyst clears."""
ACCUSED = 0.03
"""Share of the reviewed honest events that an analyst takes for fraud."""
CORRECTED = 0.7
"""Share of an analyst's wrong verdicts that are corrected later."""
CHARGED_BACK = 0.9
"""Share of the approved frauds that somebody notices."""
APPEALED = 0.3
"""Share of the declined honest events about which the customer complains, and is believed."""


class Label(NamedTuple):
    """One thing that becomes known."""

    source: Source
    fraudulent: bool
    observed_at_ms: int
    revision: int


def labels_of(
    scenario: Scenario, number: int, *, fraudulent: bool, action: str, occurred_at_ms: int
) -> list[Label]:
    """Return all that will ever be known about an event, in the order in which it becomes known.

    Parameters
    ----------
    scenario
        Its seed decides what is left to chance, the same for an event whatever else is asked.
    number
        Of the event in its world.
    fraudulent
        The truth.
    action
        What was done: approve, review or decline. Of any other action nothing becomes known.
    occurred_at_ms
        From when delays count, in event time.
    """
    speak = _SPEAK.get((action, fraudulent))
    return [] if speak is None else speak(scenario.random("labels", number), occurred_at_ms)


_Speak: TypeAlias = Callable[[np.random.Generator, int], list[Label]]


def _reviewed_fraud(random: np.random.Generator, at_ms: int) -> list[Label]:
    return _reviewed(random, at_ms, fraudulent=True, wrong=OVERLOOKED)


def _reviewed_honest(random: np.random.Generator, at_ms: int) -> list[Label]:
    return _reviewed(random, at_ms, fraudulent=False, wrong=ACCUSED)


def _reviewed(
    random: np.random.Generator, at_ms: int, *, fraudulent: bool, wrong: float
) -> list[Label]:
    seen_at_ms = at_ms + DELAYS["analyst"].drawn_ms(random)
    if random.random() >= wrong:
        return [Label("analyst", fraudulent, seen_at_ms, 1)]
    verdict = Label("analyst", not fraudulent, seen_at_ms, 1)
    if random.random() >= CORRECTED:
        return [verdict]
    corrected_at_ms = seen_at_ms + DELAYS["correction"].drawn_ms(random)
    return [verdict, Label("correction", fraudulent, corrected_at_ms, 2)]


def _approved_fraud(random: np.random.Generator, at_ms: int) -> list[Label]:
    if random.random() >= CHARGED_BACK:
        return []
    return [Label("chargeback", True, at_ms + DELAYS["chargeback"].drawn_ms(random), 1)]


def _declined_honest(random: np.random.Generator, at_ms: int) -> list[Label]:
    if random.random() >= APPEALED:
        return []
    return [Label("appeal", False, at_ms + DELAYS["appeal"].drawn_ms(random), 1)]


_SPEAK: Mapping[tuple[str, bool], _Speak] = {
    ("review", True): _reviewed_fraud,
    ("review", False): _reviewed_honest,
    ("approve", True): _approved_fraud,
    ("decline", False): _declined_honest,
}
