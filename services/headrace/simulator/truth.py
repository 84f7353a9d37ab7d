"""The truth about a world's events by their ids, made again from its scenario."""

import numpy as np

from headrace.simulator.purchases import HONEST
from headrace.simulator.scenario import Scenario
from headrace.simulator.world import World


class Truth:
    """Which of a world's events are fraudulent; a byte an event, a day at a time as asked for."""

    def __init__(self, scenario: Scenario) -> None:
        self._days = World(scenario).days()
        self._events = scenario.events
        self._prefix = f"{scenario.name}-e"
        self._fraudulent = np.zeros(0, np.bool_)

    def number(self, event_id: str) -> int | None:
        """Return an event's number in this world; None of an event of another one."""
        digits = event_id.removeprefix(self._prefix)
        if len(digits) == len(event_id) or not digits.isdecimal():
            return None
        # No world has more purchases than it publishes: a larger number is none of ours.
        return number if (number := int(digits)) < self._events else None

    def fraudulent(self, number: int) -> bool:
        """Say whether the event of a number is fraudulent."""
        while number >= len(self._fraudulent):
            day = next(self._days)["pattern"] != HONEST
            self._fraudulent = np.concatenate([self._fraudulent, day])
        return bool(self._fraudulent[number])
