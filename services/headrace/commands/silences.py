"""``headrace incidents silence|unsilence``: nobody is told for a while.

Neither of an incident, nor of what belongs to a cause before it has happened: a maintenance is
known ahead of time.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from headrace.alerting.causes import CAUSES, Cause
from headrace.chassis.clock import now_ms
from headrace.commands.console import print_line
from headrace.commands.incident_topics import (
    Record,
    commands,
    open_desk,
    require_going_on,
    say,
    time_text,
    who_says,
)
from headrace.errors import HeadraceError
from headrace.usecase.declared import DAY_MS, parse_duration_ms

_LONGEST_MS: Final = 366 * DAY_MS


def silence(
    incident: str | None = None,
    *,
    cause: Cause | None = None,
    lasting: str,
    reason: str,
    by: str | None = None,
    charter: Path | None = None,
) -> None:
    """Have nobody told of an incident, or of a cause, for a while; what is still true then is told.

    Parameters
    ----------
    incident
        Its id; see `headrace incidents list`.
    cause
        Instead of an incident: all that belongs to the cause, whether it has happened yet or not.
    lasting
        For how long from now on, as 90s, 5m, 12h or 7d.
    reason
        Why nobody need be told.
    by
        Who says so; you where not given.
    charter
        The use case's charter; the shipped one where not given.
    """
    what, who = _what(incident, cause), who_says(by, reason)
    try:
        lasting_ms = parse_duration_ms(lasting)
    except ValueError as error:
        raise HeadraceError(f"--lasting {lasting}: {error}.", fix="Write such as 12h.") from None
    if lasting_ms > _LONGEST_MS:
        raise HeadraceError(
            f"--lasting {lasting} is longer than a year.",
            fix="Say it again when it ends, or change what raises it.",
        )
    until_ms = now_ms() + lasting_ms
    desk = open_desk(charter)
    if incident is not None:
        require_going_on(desk, incident)
    say(desk, "silence", who, reason, incident=incident or "", cause=cause, until_ms=until_ms)
    print_line(f"{what} is to be silent until {time_text(until_ms)}")


def unsilence(
    incident: str | None = None,
    *,
    cause: Cause | None = None,
    reason: str,
    by: str | None = None,
    charter: Path | None = None,
) -> None:
    """End a silence before its time: what is still true is told now.

    Parameters
    ----------
    incident
        Its id; see `headrace incidents list`.
    cause
        Instead of an incident: the cause that is silenced.
    reason
        Why people are to be told again.
    by
        Who says so; you where not given.
    charter
        The use case's charter; the shipped one where not given.
    """
    what, who = _what(incident, cause), who_says(by, reason)
    desk, time_ms = open_desk(charter), now_ms()
    if not any(_target(each) == (incident or cause) for each in that_last(commands(desk), time_ms)):
        raise HeadraceError(
            f"No silence of {what} lasts.", fix="See which do: headrace incidents list"
        )
    say(desk, "silence", who, reason, incident=incident or "", cause=cause, until_ms=time_ms)
    print_line(f"{what} is to be silent no longer")


def that_last(said: Iterable[Record], time_ms: int) -> list[Record]:
    """Return the silences that last, as they were said, the one that ends first before others.

    Parameters
    ----------
    said
        All that people have said (``IncidentCommanded``), in its order: the latest is what counts.
    """
    latest = {_target(each): each for each in said if each["command"] == "silence"}
    last = [each for each in latest.values() if (each["until_ms"] or 0) > time_ms]
    return sorted(last, key=lambda each: int(each["until_ms"]))


def row(silenced: Record) -> dict[str, object]:
    """Return a silence as a row of a table."""
    return {
        "silent": _target(silenced),
        "until": time_text(silenced["until_ms"]),
        "since": time_text(silenced["commanded_at_ms"]),
        "by": silenced["by"],
        "why": silenced["reason"],
    }


def _target(said: Record) -> str:
    """Return the incident, or the cause, of which something was said."""
    return str(said["cause"] or said["incident_id"])


def _what(incident: str | None, cause: Cause | None) -> str:
    """Return what is meant, in words.

    Raises
    ------
    HeadraceError
        Nothing is, or two things, or a cause that is none.
    """
    if (incident is None) == (cause is None):
        raise HeadraceError(
            "Either an incident or a cause is silenced.",
            fix=f"Name an incident, or one cause: --cause {'|'.join(CAUSES)}",
        )
    return incident or f"all of the cause {cause}"
