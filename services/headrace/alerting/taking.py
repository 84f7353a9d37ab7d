"""Taking in what comes: each input's records, in the words of the incidents."""

from collections.abc import Callable
from typing import NamedTuple, cast, get_args

from headrace.alerting.causes import CAUSE_OF, CAUSES, Cleared, Raised
from headrace.alerting.domain import (
    Commanded,
    UnknownIncident,
    take_cleared,
    take_command,
    take_raised,
    take_silence,
)
from headrace.alerting.incidents import Changed
from headrace.alerting.recording import MINUTE_MS
from headrace.alerting.services import hear
from headrace.alerting.sources import of_evaluation, of_signal
from headrace.alerting.state import Held
from headrace.chassis.records import Received
from headrace.chassis.tracing import Trace
from headrace.contracts.records import EvaluationMade, HeartbeatSent, IncidentCommand, SignalChanged
from headrace.usecase.alerting import Alerting


class Took(NamedTuple):
    """What came of a record."""

    changes: list[Changed]
    watchdog: int | None = None
    """The minute, since the epoch, of which a sign of life goes out."""


Take = Callable[[Held, Received, str, int], Took]
"""Takes a record in, given where it stands and the time."""


class Taking:
    """Takes in the records of all inputs.

    Parameters
    ----------
    rules
        The charter's.
    """

    def __init__(self, rules: Alerting) -> None:
        self._rules = rules
        self.inputs: dict[str, Take] = {
            "heartbeats": self.heartbeat,
            "signals": self.signal,
            "evaluations": self.evaluation,
            "incident-commands": self.command,
        }
        """By the input, as its topic ends; signs of life first, as they tell the time."""

    def heartbeat(self, held: Held, each: Received, place: str, time_ms: int) -> Took:
        """Take a sign of life; once a minute alerting gives one of its own."""
        record = cast("HeartbeatSent", each.record)
        sent_ms = min(each.timestamp_ms, time_ms)
        said = hear(held.roll, record, sent_ms, self._rules, place)
        changes = [change for one in said for change in self._say(held, one, time_ms)]
        minute = time_ms // MINUTE_MS
        if minute <= held.roll.watchdog:
            return Took(changes)
        held.roll.watchdog = minute
        return Took(changes, minute)

    def signal(self, held: Held, each: Received, place: str, time_ms: int) -> Took:
        """Take a drift signal."""
        said = of_signal(cast("SignalChanged", each.record), place, traceparent(each.trace))
        return Took(self._say(held, said, time_ms))

    def evaluation(self, held: Held, each: Received, place: str, time_ms: int) -> Took:
        """Take the evaluation of a window."""
        record = cast("EvaluationMade", each.record)
        said = of_evaluation(record, place, traceparent(each.trace))
        return Took([] if said is None else self._say(held, said, time_ms))

    def command(self, held: Held, each: Received, _place: str, time_ms: int) -> Took:
        """Take what somebody says.

        Raises
        ------
        UnknownIncident
            About an incident, or a cause, that is none; or what is no command.
        """
        said = Commanded(*(each.record[name] for name in Commanded._fields))
        if said.command not in get_args(IncidentCommand):
            raise UnknownIncident(f"{said.command} is nothing that becomes of an incident")
        silenced = each.record["cause"]
        if silenced is not None:
            if silenced not in CAUSES or said.command != "silence" or said.incident_id:
                raise UnknownIncident(f"{silenced} is no cause of which that can be said")
            return Took(take_silence(held.incidents[silenced], said, time_ms))
        for cause in CAUSES:
            if said.incident_id.startswith(f"{cause}-"):
                return Took(take_command(held.incidents[cause], said, time_ms))
        raise UnknownIncident(f"{said.incident_id} names no incident")

    def _say(self, held: Held, said: Raised | Cleared, time_ms: int) -> list[Changed]:
        incidents = held.incidents[CAUSE_OF[said.kind]]
        if isinstance(said, Raised):
            return take_raised(incidents, said, self._rules, time_ms)
        return take_cleared(incidents, said, time_ms)


def traceparent(trace: Trace | None) -> str:
    """Return a trace in W3C's words; nothing where there is none."""
    return "" if trace is None else f"00-{trace.trace_id}-{trace.span_id}-{trace.flags:02x}"
