"""``headrace incidents list|show|ack|resolve|silence``: what is the matter, and who looks after it.

What people say is an event of its own (``<use-case>.incident-commands``) and kept with who said it
and why; alerting does it within seconds.
"""

import getpass
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from headrace.chassis.produce import produce_one
from headrace.chassis.reading import records_of
from headrace.commands.console import print_json, print_line, print_table
from headrace.commands.desk import Desk
from headrace.contracts.codec import Undecodable
from headrace.contracts.records import IncidentCommand, IncidentCommanded
from headrace.errors import HeadraceError
from headrace.usecase.declared import parse_duration_ms

_TIMEOUT_S: Final = 30.0
Record = Mapping[str, Any]
"""An ``IncidentChanged``."""


def list_(
    *, every: bool = False, limit: int = 50, charter: Path | None = None, json: bool = False
) -> None:
    """List incidents, the latest first: those that go on.

    Parameters
    ----------
    every
        List also those that are resolved.
    limit
        How many to show.
    charter
        The use case's charter; the shipped one where not given.
    json
        Print JSON.
    """
    desk = Desk.open(charter, _TIMEOUT_S)
    latest = [history[-1] for history in _histories(desk).values()]
    wanted = [each for each in latest if every or each["state"] != "resolved"]
    wanted.sort(key=lambda each: each["opened_at_ms"], reverse=True)
    shown = wanted[: max(limit, 0)]
    if json:
        print_json(shown)
    elif not wanted:
        print_line(f"{desk.charter.name} has no incident that goes on.")
    else:
        print_table(f"Incidents of {desk.charter.name}", [_row(each) for each in shown])


def show(incident: str, *, charter: Path | None = None, json: bool = False) -> None:
    """Show one incident: what it consists of, what to do, and what has become of it.

    Parameters
    ----------
    incident
        Its id; see `headrace incidents list`.
    charter
        The use case's charter; the shipped one where not given.
    json
        Print JSON.
    """
    history = _history(Desk.open(charter, _TIMEOUT_S), incident)
    latest = history[-1]
    if json:
        print_json({"incident": latest, "timeline": history})
        return
    print_line(
        f"{incident}: {latest['severity']}, {latest['state']}, opened "
        f"{_time(latest['opened_at_ms'])}; answers for it: {latest['owner']}"
    )
    if latest["silenced_until_ms"] is not None:
        print_line(f"silenced until {_time(latest['silenced_until_ms'])}")
    print_table("What it consists of", [_signal_row(each) for each in latest["signals"]])
    print_table("What has become of it", [_change_row(each) for each in history])


def ack(incident: str, *, reason: str, by: str | None = None, charter: Path | None = None) -> None:
    """Say that you look after an incident: it escalates no further.

    Parameters
    ----------
    incident
        Its id; see `headrace incidents list`.
    reason
        What you do about it.
    by
        Who looks after it; you where not given.
    charter
        The use case's charter; the shipped one where not given.
    """
    _say(incident, "ack", reason, by, charter, None)
    print_line(f"{incident} is to be acknowledged; see: headrace incidents show {incident}")


def resolve(
    incident: str, *, reason: str, by: str | None = None, charter: Path | None = None
) -> None:
    """Say that an incident is over, whatever its signals say.

    Parameters
    ----------
    incident
        Its id; see `headrace incidents list`.
    reason
        Why it is over.
    by
        Who says so; you where not given.
    charter
        The use case's charter; the shipped one where not given.
    """
    _say(incident, "resolve", reason, by, charter, None)
    print_line(f"{incident} is to be resolved; see: headrace incidents show {incident}")


def silence(
    incident: str,
    *,
    lasting: str,
    reason: str,
    by: str | None = None,
    charter: Path | None = None,
) -> None:
    """Have nobody told of an incident for a while; what is still true then is told.

    Parameters
    ----------
    incident
        Its id; see `headrace incidents list`.
    lasting
        For how long from now on, as 90s, 5m, 12h or 7d.
    reason
        Why nobody need be told.
    by
        Who says so; you where not given.
    charter
        The use case's charter; the shipped one where not given.
    """
    try:
        until_ms = _now_ms() + parse_duration_ms(lasting)
    except ValueError as error:
        raise HeadraceError(f"--lasting {lasting}: {error}.", fix="Write such as 12h.") from None
    _say(incident, "silence", reason, by, charter, until_ms)
    print_line(f"{incident} is to be silent until {_time(until_ms)}")


def _say(
    incident: str,
    command: IncidentCommand,
    reason: str,
    by: str | None,
    charter: Path | None,
    until_ms: int | None,
) -> None:
    who = getpass.getuser() if by is None else by
    if not reason.strip() or not who.strip():
        raise HeadraceError("A reason and who gives it are not empty.", fix="Say why, and who.")
    desk = Desk.open(charter, _TIMEOUT_S)
    if _history(desk, incident)[-1]["state"] == "resolved":
        raise HeadraceError(
            f"{incident} is resolved already.", fix="See which go on: headrace incidents list"
        )
    said = IncidentCommanded(
        incident_id=incident,
        command=command,
        by=who,
        reason=reason,
        until_ms=until_ms,
        commanded_at_ms=_now_ms(),
    )
    channel = desk.wiring.channel(f"{desk.charter.name}.incident-commands")
    produce_one(desk.clients, channel.topic, incident, channel.encode(said))


def _histories(desk: Desk) -> dict[str, list[Record]]:
    """Return the changes of each incident, in their order."""
    channel = desk.wiring.channel(f"{desk.charter.name}.incidents")
    histories: dict[str, list[Record]] = {}
    for message in records_of(desk.clients, channel.topic, _TIMEOUT_S):
        try:
            record = channel.decode(message.value())
        except Undecodable:
            continue
        histories.setdefault(record["incident_id"], []).append(record)
    return histories


def _history(desk: Desk, incident: str) -> Sequence[Record]:
    history = _histories(desk).get(incident)
    if not history:
        raise HeadraceError(
            f"{desk.charter.name} has no incident {incident}.",
            fix="See which there are: headrace incidents list --every",
        )
    return history


def _row(incident: Record) -> dict[str, object]:
    active = [each for each in incident["signals"] if each["cleared_at_ms"] is None]
    return {
        "incident": incident["incident_id"],
        "severity": incident["severity"],
        "state": incident["state"],
        "opened": _time(incident["opened_at_ms"]),
        "signals": f"{len(active)} of {len(incident['signals'])}",
        "escalations": incident["escalations"],
        "looked after by": incident["acknowledged_by"] or "nobody",
        "what": (active or incident["signals"])[0]["summary"],
    }


def _signal_row(signal: Record) -> dict[str, object]:
    cleared = signal["cleared_at_ms"]
    return {
        "kind": signal["kind"],
        "severity": signal["severity"],
        "since": _time(signal["raised_at_ms"]),
        "until": "it lasts" if cleared is None else _time(cleared),
        "what": signal["summary"],
        "what to do": signal["runbook"],
    }


def _change_row(change: Record) -> dict[str, object]:
    return {
        "when": _time(change["changed_at_ms"]),
        "change": change["change"],
        "by": change["by"],
        "told": "yes" if change["is_told"] else "no",
        "why": change["reason"],
    }


def _time(time_ms: int) -> str:
    return f"{datetime.fromtimestamp(time_ms // 1_000, UTC):%Y-%m-%d %H:%M:%S}Z"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
