"""Deciding a batch of events: checks, duplicates, features, model, policy; no Kafka, no clock.

An event with a fault is rejected. One that was seen before moves no window: its audit record
points to the first. Every other one moves its key's windows and is decided.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from headrace.chassis.records import Received, Rejected
from headrace.chassis.stages import StageClock
from headrace.chassis.state import View
from headrace.models.frozen import FrozenModel
from headrace.scoring.intake import Fate, Intake, LookUp
from headrace.scoring.judging import Judge, Judged
from headrace.scoring.recording import Recorder, Records
from headrace.scoring.state import State
from headrace.usecase.charter import Charter
from headrace.usecase.entities import EntityLists


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of a batch."""

    fates: list[Fate]
    """In the order of the input."""
    accepted: list[Fate]
    """Those that were decided."""
    judged: Judged
    decisions: Records
    """Of the accepted."""
    rejected: list[Rejected]
    now_ms: int
    """When it was decided."""


class Scorer:
    """Decides events as a charter says.

    Parameters
    ----------
    charter, model
        What is declared, and the model that serves it; None where none could be verified.
    lists
        The lists that the charter's rules look at.
    clock
        Milliseconds since the epoch.
    topic, partitions
        Where the events come from, and how many partitions that has.
    look_up
        Measures an event's profiles, in the order of the events; None where none are declared.
    """

    def __init__(
        self,
        charter: Charter,
        model: FrozenModel | None,
        lists: EntityLists,
        clock: Callable[[], int],
        topic: str,
        partitions: int,
        look_up: LookUp | None = None,
    ) -> None:
        self._intake = Intake(charter, look_up)
        self._features = charter.feature_set
        self._judge = Judge(charter, model, lists, partitions)
        self._record = Recorder(charter, model, topic)
        self._clock = clock

    def decide(
        self, received: Sequence[Received], view: View[State], stages: StageClock
    ) -> Decided:
        """Decide a batch; events of one key see each other in their order."""
        stages.enter("features")
        now_ms = self._clock()
        taken = self._intake.take_in(received, view, now_ms)
        events = [fate.event for fate in taken.accepted]
        records = [event.record for event in events]
        measured = np.frombuffer(taken.measured.getvalue(), "<f8")
        matrix = self._features.matrix(records, measured, taken.profiled)
        judged = self._judge.judge(events, matrix, now_ms, view, stages)
        stages.enter("encode")
        decisions = self._record.decisions(taken.accepted, matrix, judged, now_ms)
        return Decided(taken.fates, taken.accepted, judged, decisions, taken.rejected, now_ms)

    def audits(self, decided: Decided, decision_digests: Sequence[bytes]) -> Records:
        """Return the audit record of each event; the digests are those of the decisions."""
        return self._record.audits(
            decided.fates, decided.judged, decided.decisions, decision_digests, decided.now_ms
        )
