"""Where the time goes: one clock, one stage at a time."""

from collections.abc import Callable
from time import perf_counter
from typing import Literal, get_args

Stage = Literal[
    "idle",  # nothing to do: waiting for the first record
    "fetch",  # taking what is already there
    "decode",  # bytes to records
    "handle",  # whatever a handler does not attribute to a finer stage
    "features",
    "model",
    "policy",
    "encode",  # records to bytes
    "produce",  # handing records to the producer
    "commit",  # waiting for a transaction that was not committed beside other work
    "merge",  # the batch's changes into the state
    "restore",  # reading the state back
]
STAGES: tuple[Stage, ...] = get_args(Stage)


class StageClock:
    """Adds up seconds by stage; entering a stage ends the one before."""

    def __init__(self, now: Callable[[], float] = perf_counter) -> None:
        self._now = now
        self._stage: Stage = "idle"
        self._since = now()
        self.seconds: dict[Stage, float] = dict.fromkeys(STAGES, 0.0)

    def enter(self, stage: Stage) -> None:
        """From now on, time counts for ``stage``."""
        now = self._now()
        self.seconds[self._stage] += now - self._since
        self._stage = stage
        self._since = now

    def lap(self) -> dict[Stage, float]:
        """Return the seconds so far, those of the stage that still lasts included."""
        self.enter(self._stage)
        return dict(self.seconds)
