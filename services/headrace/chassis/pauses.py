"""Whether a service has paused itself: kept in a topic, so that it survives a restart."""

from headrace.chassis.table import Table
from headrace.contracts.records import PauseChanged


class Pauses:
    """What the topic says in which services say that they paused, and people release them.

    Parameters
    ----------
    table
        The topic (``platform/PauseChanged``), keyed by service.
    """

    def __init__(self, table: Table, service: str) -> None:
        self._table = table
        self._service = service

    def expect(self, reason: str) -> None:
        """Take the service for paused: the record that says so was committed, and will be read."""
        self._table.expect(self._service, {"paused": True, "reason": reason})

    @property
    def reason(self) -> str | None:
        """Why the service is paused, or None where it is not."""
        latest = self._table.records.get(self._service)
        return str(latest["reason"]) if latest is not None and latest["paused"] else None


def pause(service: str, reason: str, now_ms: int) -> PauseChanged:
    """Return the fact that a service pauses itself."""
    return PauseChanged(
        service=service, paused=True, reason=reason, by=service, changed_at_ms=now_ms
    )


def release(service: str, reason: str, by: str, now_ms: int) -> PauseChanged:
    """Return the fact that somebody releases a service."""
    return PauseChanged(service=service, paused=False, reason=reason, by=by, changed_at_ms=now_ms)
