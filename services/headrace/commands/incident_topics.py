"""What has become of incidents, and what people say of them, as it stands in the topics."""

import getpass
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from headrace.chassis.clock import now_ms
from headrace.chassis.produce import produce_one
from headrace.chassis.reading import records_of
from headrace.commands.desk import Desk
from headrace.contracts.codec import Undecodable
from headrace.contracts.records import IncidentCommand, IncidentCommanded
from headrace.errors import HeadraceError

TIMEOUT_S: Final = 30.0
Record = Mapping[str, Any]
"""An ``IncidentChanged``, or an ``IncidentCommanded``."""


def open_desk(charter: Path | None) -> Desk:
    """Return the use case of a charter; of the shipped one where none is given."""
    return Desk.open(charter, TIMEOUT_S)


def histories(desk: Desk) -> dict[str, list[Record]]:
    """Return the changes of each incident, in their order."""
    found: dict[str, list[Record]] = {}
    for record in _records(desk, "incidents"):
        found.setdefault(record["incident_id"], []).append(record)
    return found


def history(desk: Desk, incident: str) -> Sequence[Record]:
    """Return the changes of one incident, in their order.

    Raises
    ------
    HeadraceError
        There is no such incident.
    """
    found = histories(desk).get(incident)
    if not found:
        raise HeadraceError(
            f"{desk.charter.name} has no incident {incident}.",
            fix="See which there are: headrace incidents list --every",
        )
    return found


def require_going_on(desk: Desk, incident: str) -> None:
    """Refuse to say anything of an incident that is over.

    Raises
    ------
    HeadraceError
        It is resolved, or there is no such incident.
    """
    if history(desk, incident)[-1]["state"] == "resolved":
        raise HeadraceError(
            f"{incident} is resolved already.", fix="See which go on: headrace incidents list"
        )


def commands(desk: Desk) -> Iterator[Record]:
    """Yield what people have said, in its order."""
    return _records(desk, "incident-commands")


def who_says(by: str | None, reason: str) -> str:
    """Return who says something: you, where nobody is named.

    Raises
    ------
    HeadraceError
        Nobody is named, or no reason.
    """
    who = getpass.getuser() if by is None else by
    if not reason.strip() or not who.strip():
        raise HeadraceError("A reason and who gives it are not empty.", fix="Say why, and who.")
    return who


def say(
    desk: Desk,
    command: IncidentCommand,
    by: str,
    reason: str,
    *,
    incident: str = "",
    cause: str | None = None,
    until_ms: int | None = None,
) -> None:
    """Write what somebody says, and wait until the broker has it."""
    said = IncidentCommanded(
        incident_id=incident,
        command=command,
        by=by,
        reason=reason,
        until_ms=until_ms,
        commanded_at_ms=now_ms(),
        cause=cause,
    )
    channel = desk.wiring.channel(f"{desk.charter.name}.incident-commands")
    produce_one(desk.clients, channel.topic, cause or incident, channel.encode(said))


def time_text(time_ms: int) -> str:
    """Return a time as people read it; one beyond all calendars in milliseconds."""
    try:
        return f"{datetime.fromtimestamp(time_ms // 1_000, UTC):%Y-%m-%d %H:%M:%S}Z"
    except (ValueError, OverflowError, OSError):
        return f"{time_ms} ms"


def _records(desk: Desk, plural: str) -> Iterator[Record]:
    """Yield what stands in one of the use case's topics and can be read."""
    channel = desk.wiring.channel(f"{desk.charter.name}.{plural}")
    for message in records_of(desk.clients, channel.topic, TIMEOUT_S):
        try:
            yield channel.decode(message.value())
        except Undecodable:
            continue
