"""What becomes of the incidents of one cause: a fold over what is raised, cleared, said, and time.

All of it is pure: the time is an argument, and ids follow from where a signal stands and from the
number of a change. What was taken in before changes nothing.
"""

from dataclasses import replace
from typing import NamedTuple

from headrace.alerting.causes import CAUSE_OF, Cleared, Raised
from headrace.alerting.incidents import (
    ALERTING,
    ESCALATIONS_MOST,
    Changed,
    Incident,
    Incidents,
    Silence,
    Watched,
    latest_first,
)
from headrace.contracts.records import IncidentCommand
from headrace.usecase.alerting import Alerting


class Commanded(NamedTuple):
    """What somebody wants to become of an incident, or of all that belongs to a cause."""

    incident_id: str
    """Empty of a cause."""
    command: IncidentCommand
    by: str
    reason: str
    until_ms: int | None
    """Of a silence, its end."""


class UnknownIncident(ValueError):
    """There is no such incident, cause or command; or what there was is forgotten by now."""


def take_raised(incidents: Incidents, raised: Raised, rules: Alerting, at_ms: int) -> list[Changed]:
    """Let what is not as it should be open an incident, or belong to one."""
    subject = raised.subject
    holders = [each for each in latest_first(incidents.each) if subject in each.signals]
    if any(each.signals[subject].signal_id == raised.signal_id for each in holders):
        return []  # said again
    watched = Watched(
        raised.kind,
        subject,
        raised.signal_id,
        rules.severity(raised.kind),
        raised.summary,
        at_ms,
    )
    home = _home(incidents.each, holders, rules, at_ms)
    if home is None:
        cause = CAUSE_OF[raised.kind]
        home = Incident(f"{cause}-{raised.place}", cause, at_ms, at_ms, at_ms)
        incidents.each.append(home)
        _put(home, watched, raised.traceparent, at_ms)
        opened = home.changed("opened", at_ms, watched.summary, tell=incidents.silence is None)
        return [opened, *_hushed(home, incidents.silence, at_ms)]
    if home.is_resolved:
        tell = incidents.silence is None
        reopened = _reopened(home, watched, raised.traceparent, at_ms, tell=tell)
        return [reopened, *_hushed(home, incidents.silence, at_ms)]
    if subject in home.signals and home.signals[subject].is_active:  # its end was missed
        _put(home, watched, raised.traceparent, at_ms)
        return []
    return [_grown(home, watched, raised.traceparent, rules, at_ms)]


def take_cleared(incidents: Incidents, cleared: Cleared, at_ms: int) -> list[Changed]:
    """Note that something is as it should be again."""
    for each in latest_first(incidents.each):
        watched = each.signals.get(cleared.subject)
        if (
            watched is not None
            and watched.is_active
            and cleared.signal_id in (None, watched.signal_id)
        ):
            each.signals[cleared.subject] = replace(watched, cleared_ms=at_ms)
            reason = f"{cleared.subject}: {cleared.reason}"
            return [each.changed("cleared", at_ms, reason, tell=False)]
    return []


def take_command(incidents: Incidents, said: Commanded, at_ms: int) -> list[Changed]:
    """Do what somebody says; nothing where it is so already.

    Raises
    ------
    UnknownIncident
        There is no such incident.
    """
    each = _named(incidents.each, said.incident_id)
    if said.command == "silence" and (not each.is_resolved or each.silenced_until_ms is not None):
        return _silenced(each, said, at_ms)  # one that is over may open again, and be silent then
    if each.is_resolved:
        return []
    if said.command == "resolve":
        return [_resolved_by_hand(each, said, at_ms)]
    if each.acknowledged_by == said.by:
        return []
    each.acknowledged_by = said.by
    return [each.changed("acknowledged", at_ms, said.reason, by=said.by, tell=False)]


def take_silence(incidents: Incidents, said: Commanded, at_ms: int) -> list[Changed]:
    """Have nobody told of a cause until a time, or end that; nothing where it is so already.

    What goes on is silenced at once; what opens, or opens again, while the silence lasts is
    silenced as it does.
    """
    until_ms, lasting = said.until_ms or 0, incidents.silence
    if _says_nothing_new(until_ms, None if lasting is None else lasting.until_ms, at_ms):
        return []
    incidents.silence = Silence(until_ms, said.by, said.reason)
    return [
        change
        for each in incidents.each
        if not each.is_resolved or each.hushed_until_ms is not None
        for change in _hushed(each, incidents.silence, at_ms)
    ]


def pass_time(incidents: Incidents, rules: Alerting, at_ms: int) -> list[Changed]:
    """Do what is due, and forget what is over for long."""
    if incidents.silence is not None and at_ms >= incidents.silence.until_ms:
        incidents.silence = None
    changes = [
        change
        for each in incidents.each
        for change in _due(each, rules, at_ms)
        if change is not None
    ]
    incidents.each[:] = [each for each in incidents.each if not _is_forgotten(each, rules, at_ms)]
    return changes


def _named(incidents: list[Incident], incident_id: str) -> Incident:
    for each in incidents:
        if each.incident_id == incident_id:
            return each
    raise UnknownIncident(f"there is no incident {incident_id} that could be changed")


def _home(
    incidents: list[Incident], holders: list[Incident], rules: Alerting, at_ms: int
) -> Incident | None:
    """Return the incident to which a signal belongs, if any: one of its own, else a recent one."""

    def may_go_on(each: Incident) -> bool:
        return each.resolved_ms is None or at_ms - each.resolved_ms <= rules.reopen_within_ms

    if holders and may_go_on(holders[0]):
        return holders[0]
    for each in latest_first(incidents):
        if may_go_on(each) and at_ms - each.grown_ms <= rules.group_within_ms:
            return each
    return None


def _put(incident: Incident, watched: Watched, traceparent: str, at_ms: int) -> None:
    incident.signals[watched.subject] = watched
    incident.grown_ms = at_ms
    incident.traceparent = traceparent or incident.traceparent


def _grown(
    incident: Incident, watched: Watched, traceparent: str, rules: Alerting, at_ms: int
) -> Changed:
    """Add a signal; people are told at once where it is more urgent than what they know."""
    urgency = incident.urgency
    if not incident.is_active:
        incident.pressing_ms = at_ms  # while nothing lasted, nobody was waited for
    _put(incident, watched, traceparent, at_ms)
    is_cooling = incident.told == "firing" and at_ms - incident.told_ms < rules.cool_down_ms
    is_quiet = is_cooling and incident.urgency <= urgency
    incident.has_untold |= is_quiet
    return incident.changed("grown", at_ms, watched.summary, tell=not is_quiet)


def _reopened(
    incident: Incident, watched: Watched, traceparent: str, at_ms: int, *, tell: bool
) -> Changed:
    incident.resolved_ms, incident.acknowledged_by, incident.escalations = None, "", 0
    incident.opened_ms = incident.pressing_ms = at_ms
    _put(incident, watched, traceparent, at_ms)
    return incident.changed("reopened", at_ms, watched.summary, tell=tell)


def _silenced(incident: Incident, said: Commanded, at_ms: int) -> list[Changed]:
    until_ms = said.until_ms or 0
    if _says_nothing_new(until_ms, incident.silenced_until_ms, at_ms):
        return []
    incident.silenced_until_ms = until_ms
    return [incident.changed("silenced", at_ms, said.reason, by=said.by, tell=False)]


def _hushed(incident: Incident, silence: Silence | None, at_ms: int) -> list[Changed]:
    """Silence an incident with its cause; nothing where it is so already."""
    if silence is None or incident.hushed_until_ms == silence.until_ms:
        return []
    incident.hushed_until_ms = silence.until_ms
    return [incident.changed("silenced", at_ms, silence.reason, by=silence.by, tell=False)]


def _says_nothing_new(until_ms: int, lasting_until_ms: int | None, at_ms: int) -> bool:
    """Whether a silence is the one that lasts, or is over where none lasts."""
    return until_ms == lasting_until_ms or (until_ms <= at_ms and lasting_until_ms is None)


def _resolved(incident: Incident, by: str, reason: str, at_ms: int) -> Changed:
    incident.resolved_ms, incident.has_untold = at_ms, False
    return incident.changed("resolved", at_ms, reason, by=by, tell=incident.told == "firing")


def _resolved_by_hand(incident: Incident, said: Commanded, at_ms: int) -> Changed:
    """Resolve an incident; whatever still lasts is over, too, until it is raised anew."""
    for watched in incident.signals.values():
        if watched.is_active:
            incident.signals[watched.subject] = replace(watched, cleared_ms=at_ms)
    return _resolved(incident, said.by, said.reason, at_ms)


def _due(incident: Incident, rules: Alerting, at_ms: int) -> list[Changed | None]:
    return [
        _silence_ended(incident, at_ms),
        _resolved_by_time(incident, rules, at_ms),
        _cooled_down(incident, rules, at_ms),
        _escalated(incident, rules, at_ms),
    ]


def _silence_ended(incident: Incident, at_ms: int) -> Changed | None:
    if not incident.end_silences(at_ms):
        return None
    incident.pressing_ms = at_ms
    is_news = incident.told == "firing" if incident.is_resolved else incident.is_active
    return incident.changed("silence_ended", at_ms, "its time is over", tell=is_news)


def _resolved_by_time(incident: Incident, rules: Alerting, at_ms: int) -> Changed | None:
    if incident.is_resolved or incident.is_active:
        return None
    if at_ms < incident.cleared_ms + rules.resolve_after_ms:
        return None
    return _resolved(incident, ALERTING, "all of it has been clear for long enough", at_ms)


def _cooled_down(incident: Incident, rules: Alerting, at_ms: int) -> Changed | None:
    is_news = incident.has_untold and incident.is_active and not incident.is_silenced
    if not is_news or at_ms < incident.told_ms + rules.cool_down_ms:
        return None
    return incident.changed("cooled_down", at_ms, "it has grown meanwhile", tell=True)


def _escalated(incident: Incident, rules: Alerting, at_ms: int) -> Changed | None:
    is_waiting = (
        incident.state == "open"
        and incident.is_active
        and not incident.is_silenced
        and incident.escalations < ESCALATIONS_MOST
    )
    if not is_waiting or at_ms < incident.pressing_ms + rules.escalate_after_ms:
        return None
    incident.escalations += 1
    incident.pressing_ms = at_ms
    return incident.changed("escalated", at_ms, "nobody has acknowledged it in time", tell=True)


def _is_forgotten(incident: Incident, rules: Alerting, at_ms: int) -> bool:
    resolved_ms = incident.resolved_ms
    return (
        resolved_ms is not None
        and not incident.is_silenced
        and at_ms > resolved_ms + rules.reopen_within_ms
    )
