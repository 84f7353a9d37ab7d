"""``headrace incidents list|show|ack|resolve``: what is the matter, and who looks after it.

What people say is an event of its own (``<use-case>.incident-commands``) and kept with who said it
and why; alerting does it within seconds.
"""

from pathlib import Path

from headrace.chassis.clock import now_ms
from headrace.commands import silences
from headrace.commands.console import print_json, print_line, print_table
from headrace.commands.incident_topics import (
    Record,
    commands,
    histories,
    history,
    open_desk,
    require_going_on,
    say,
    time_text,
    who_says,
)
from headrace.contracts.records import IncidentCommand


def list_(
    *, every: bool = False, limit: int = 50, charter: Path | None = None, json: bool = False
) -> None:
    """List incidents, the latest first: those that go on; and the silences that last.

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
    desk = open_desk(charter)
    latest = [changes[-1] for changes in histories(desk).values()]
    wanted = [each for each in latest if every or each["state"] != "resolved"]
    wanted.sort(key=lambda each: each["opened_at_ms"], reverse=True)
    shown = wanted[: max(limit, 0)]
    silenced = silences.that_last(commands(desk), now_ms())
    if json:
        print_json({"incidents": shown, "silences": silenced})
        return
    if not wanted:
        print_line(f"{desk.charter.name} has no incident that goes on.")
    else:
        print_table(f"Incidents of {desk.charter.name}", [_row(each) for each in shown])
    if silenced:
        print_table("Silences that last", [silences.row(each) for each in silenced])


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
    timeline = history(open_desk(charter), incident)
    latest = timeline[-1]
    if json:
        print_json({"incident": latest, "timeline": timeline})
        return
    print_line(
        f"{incident}: {latest['severity']}, {latest['state']}, opened "
        f"{time_text(latest['opened_at_ms'])}; answers for it: {latest['owner']}"
    )
    if latest["silenced_until_ms"] is not None:
        print_line(f"silenced until {time_text(latest['silenced_until_ms'])}")
    print_table("What it consists of", [_signal_row(each) for each in latest["signals"]])
    print_table("What has become of it", [_change_row(each) for each in timeline])


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
    _say(incident, "ack", reason, by, charter)
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
    _say(incident, "resolve", reason, by, charter)
    print_line(f"{incident} is to be resolved; see: headrace incidents show {incident}")


def _say(
    incident: str, command: IncidentCommand, reason: str, by: str | None, charter: Path | None
) -> None:
    who, desk = who_says(by, reason), open_desk(charter)
    require_going_on(desk, incident)
    say(desk, command, who, reason, incident=incident)


def _row(incident: Record) -> dict[str, object]:
    active = [each for each in incident["signals"] if each["cleared_at_ms"] is None]
    return {
        "incident": incident["incident_id"],
        "severity": incident["severity"],
        "state": incident["state"],
        "opened": time_text(incident["opened_at_ms"]),
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
        "since": time_text(signal["raised_at_ms"]),
        "until": "it lasts" if cleared is None else time_text(cleared),
        "what": signal["summary"],
        "what to do": signal["runbook"],
    }


def _change_row(change: Record) -> dict[str, object]:
    return {
        "when": time_text(change["changed_at_ms"]),
        "change": change["change"],
        "by": change["by"],
        "told": "yes" if change["is_told"] else "no",
        "why": change["reason"],
    }
