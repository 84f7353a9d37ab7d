"""The state of alerting: under ``cause/<cause>`` its incidents, under ``services`` who lives."""

from typing import Final, cast

from headrace.alerting.causes import CAUSES, Cause
from headrace.alerting.incidents import Incidents
from headrace.alerting.services import Roll
from headrace.chassis.state import View

PARTITION: Final = 0
"""All topics have one: what belongs together is seen by one worker, and others wait."""
SLOT: Final = 0
SERVICES: Final = "services"


State = Incidents | Roll


class AlertingFormat:
    """How the state's values are made, copied and restored (a ``Format`` of the chassis)."""

    version = 1
    forgets = False

    def empty(self, key: str) -> State:
        """Return the value of a key never seen."""
        return Roll() if key == SERVICES else Incidents()

    def copy(self, value: State) -> State:
        """Return a copy that changes nothing in ``value``, nor is changed with it."""
        return value.copy()

    def apply(self, value: State, slot: int, body: bytes) -> None:  # noqa: ARG002 -- there is one
        """Restore one change."""
        if isinstance(value, Roll):
            told = Roll.restored(body)
            value.time_ms, value.watchdog = told.time_ms, told.watchdog
            value.heard_ms = told.heard_ms
            value.instances = told.instances
        else:
            of_cause = Incidents.restored(body)
            value.each, value.silence = of_cause.each, of_cause.silence


class Held:
    """The whole state in a batch's view; what has changed is written with :meth:`write`."""

    def __init__(self, view: View[State]) -> None:
        self._view = view
        self.roll = cast("Roll", view.get(PARTITION, SERVICES))
        self.incidents = {
            cause: cast("Incidents", view.get(PARTITION, _key(cause))) for cause in CAUSES
        }
        self._before = {key: value.body() for key, value in self._values()}

    def write(self, offset: int) -> None:
        """Record what has changed by an input up to its offset."""
        for key, value in self._values():
            body = value.body()
            if body != self._before[key]:
                self._view.change(PARTITION, key, SLOT, offset, body)

    def _values(self) -> list[tuple[str, State]]:
        of_causes: list[tuple[str, State]] = [
            (_key(cause), incidents) for cause, incidents in self.incidents.items()
        ]
        return [(SERVICES, self.roll), *of_causes]


def _key(cause: Cause) -> str:
    return f"cause/{cause}"
