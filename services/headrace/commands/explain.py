"""``headrace explain``: what became of one event, and why."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import wrap
from typing import Any, Final

from headrace.commands.console import print_json, print_table, results
from headrace.errors import HeadraceError
from headrace.explaining import words
from headrace.explaining.account import Account, Arrival
from headrace.usecase.money import in_words

_WIDTH: Final = 78
_LABEL: Final = 18
_MATCHES: Final = {True: "matches", False: "DOES NOT MATCH", None: "no longer kept"}


def explain(
    event_id: str, *, charter: Path | None = None, json: bool = False, timeout_s: float = 30.0
) -> None:
    """Tell what became of an event: in a sentence, then with everything that proves it.

    Exits with 1 where the event is unknown, or what is kept of it does not match.

    Parameters
    ----------
    event_id
        The event's id.
    charter
        The use case's charter; the shipped one where not given.
    json
        Print one JSON document.
    timeout_s
        How long to wait for an open transaction, and for any answer of the broker.
    """
    account = _found(event_id, charter, timeout_s)
    if not account.arrivals:
        raise HeadraceError(
            f"{account.charter.name} knows no event {event_id!r}.",
            fix="Look at the id, and at --charter; or its records are no longer kept.",
        )
    if json:
        print_json(account.as_json())
    else:
        _show(account)
    if not account.is_proven:
        sys.exit(1)


def _found(event_id: str, charter: Path | None, timeout_s: float) -> Account:
    # Here, so that the help and the other commands start fast.
    from headrace.commands.desk import Desk
    from headrace.explaining.finding import Finder

    if not event_id:
        raise HeadraceError("An event's id is not empty.", fix="Say which event.")
    desk = Desk.open(charter, timeout_s)
    return Finder(desk.charter, desk.topics, desk.wiring, desk.reader).find(event_id)


def _show(account: Account) -> None:
    _say(account.sentence())
    for arrival in account.arrivals:
        _say("")
        place = f"{account.charter.name}.events {arrival.place}"
        _say(f"{arrival.fate.upper()}: {place}")
        for label, value in _lines(account, arrival):
            _line(label, value)
        if arrival.decision is not None:
            _show_trace(arrival.decision["trace_id"])
            _show_features(account, arrival.decision)


def _show_trace(trace_id: str) -> None:
    from headrace.chassis.settings import TelemetrySettings  # here, for a fast help

    page = TelemetrySettings().page_of(trace_id) if trace_id else ""
    if page:
        _print(f"  {page}")  # not folded: it is there to be opened


def _show_features(account: Account, decision: Mapping[str, Any]) -> None:
    rows = [
        {
            "feature": each.name,
            "value": f"{each.value:,.6g}",
            "what it added": _added(each.contribution),
        }
        for each in account.features(decision)
    ]
    print_table("Features, the weightiest first", rows)


def _added(contribution: float | None) -> str:
    # Adding a zero takes the sign of a negative one away.
    return "" if contribution is None else f"{round(contribution, 4) + 0.0:+.4f}"


def _lines(account: Account, arrival: Arrival) -> Iterator[tuple[str, str]]:
    """Yield what is told of an arrival, as label and value."""
    yield from _of_event(account, arrival)
    if arrival.arrived_at_ms is not None:
        yield "arrived", words.timestamp(arrival.arrived_at_ms)
    if arrival.replay is not None:
        yield "replayed", _replayed(arrival.replay)
    if arrival.decision is not None:
        yield from _of_decision(account, arrival.decision)
    if arrival.audit is not None:
        yield from _of_audit(arrival, arrival.audit)
    if arrival.letter is not None:
        yield from _of_letter(arrival, arrival.letter)


def _of_event(account: Account, arrival: Arrival) -> Iterator[tuple[str, str]]:
    if arrival.record is None:
        yield "event", "no longer kept" if arrival.value is None else "unreadable"
        return
    for name, value in arrival.record.items():
        yield name, "unknown" if value is None else str(value)
    yield "happened", words.timestamp(arrival.record[account.charter.events.time])


def _of_decision(account: Account, decision: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    cost = decision["expected_cost_minor"]
    this = decision["charter_digest"] == account.charter.digest
    yield "decided", words.timestamp(decision["decided_at_ms"])
    yield "action", f"{decision['action']}{'' if decision['acted'] else ' (not acted on)'}"
    yield "score", f"{decision['score']:.10g}"
    yield "expected cost", "none" if cost is None else in_words(cost, decision["currency"] or "")
    yield "rules", ", ".join(decision["rule_hits"]) or "none"
    reasons = zip(decision["reason_codes"], decision["reasons"], strict=False)
    yield "reasons", "; ".join(f"{said} ({code})" for code, said in reasons) or "none"
    yield "model", f"{decision['model']} {decision['model_version']}, {_short('model', decision)}"
    yield "policy", f"version {decision['policy_version']}"
    yield (
        "charter",
        f"{_short('charter', decision)}, {'the one given' if this else 'NOT the one given'}",
    )
    yield "stage", decision["stage"]
    yield "flags", ", ".join(_flags(decision)) or "none"
    yield "trace", decision["trace_id"] or "none was recorded"


def _flags(decision: Mapping[str, Any]) -> Iterator[str]:
    if decision["late"]:
        yield "late: beyond the allowed lateness"
    if decision["deadline_missed"]:
        yield "deadline missed"
    if decision["fallback"]:
        why = words.fallback_in_words(decision["fallback"])
        yield f"fallback: {why} ({decision['fallback']})"


def _of_audit(arrival: Arrival, audit: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "audit record", f"{audit['kind']} {audit['decision_id']}, by {audit['service']}"
    yield "recorded", words.timestamp(audit["recorded_at_ms"])
    yield "input digest", f"{_MATCHES[arrival.input_matches]} ({audit['input_sha256'].hex()[:16]})"
    if audit["decision_sha256"] is not None:
        digest = audit["decision_sha256"].hex()[:16]
        yield "decision digest", f"{_MATCHES[arrival.decision_matches]} ({digest})"


def _of_letter(arrival: Arrival, letter: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "reason", f"{letter['reason']}: {letter['detail']}"
    yield "given up", f"{words.timestamp(letter['dead_lettered_at_ms'])} by {letter['service']}"
    yield "dead letter", f"headrace dead-letters show {arrival.letter_place}"


def _replayed(replay: Mapping[str, Any]) -> str:
    letter = f"{replay['dead_letter_partition']}:{replay['dead_letter_offset']}"
    when = words.timestamp(replay["requested_at_ms"])
    return f"from the dead letter {letter} by {replay['by']} on {when}: {replay['reason']}"


def _short(what: str, decision: Mapping[str, Any]) -> str:
    return f"digest {decision[f'{what}_digest'].hex()[:16]}"


def _line(label: str, value: str) -> None:
    first, *rest = wrap(value, _WIDTH - _LABEL - 2) or [""]
    _print(f"  {label:<{_LABEL}}{first}")
    for line in rest:
        _print(" " * (_LABEL + 2) + line)


def _say(text: str) -> None:
    for line in wrap(text, _WIDTH) or [""]:
        _print(line)


def _print(line: str) -> None:
    results.print(line, highlight=False, markup=False, soft_wrap=True)
