"""``headrace verify``: whether what stands in the topics keeps the promises."""

import sys
from pathlib import Path

from headrace.commands.console import print_json, print_table, progress, results
from headrace.verification.balance import Balance
from headrace.verification.checks import Offender
from headrace.verification.report import Report, Result

_CURRENCIES_SHOWN = 3


def verify(
    *,
    charter: Path | None = None,
    use_case: str | None = None,
    json: bool = False,
    allow_pending: bool = False,
    timeout_s: float = 60.0,
) -> None:
    """Check every event's decision, audit record or dead letter; exit 1 where anything is wrong.

    Parameters
    ----------
    charter
        The charter's file (default: card-fraud's).
    use_case
        Name of the use case, if it is not the charter's.
    json
        Write one JSON document instead of tables.
    allow_pending
        Events that wait to be processed are fine.
    timeout_s
        How long to wait for an open transaction, and for any answer of the broker.
    """
    # Here, so that the help and the other commands start fast.
    from headrace.chassis.clients import Clients
    from headrace.chassis.settings import KafkaSettings
    from headrace.contracts.location import shipped
    from headrace.contracts.registry import Registry, RegistrySettings
    from headrace.verification.terms import load_terms
    from headrace.verification.verifier import Verifier

    terms = load_terms(charter or shipped("deploy") / "charters" / "card-fraud.toml", use_case)
    clients = Clients(KafkaSettings(), client_id="headrace.verify")
    verifier = Verifier(clients, Registry(RegistrySettings()), terms, timeout_s, progress)
    report = verifier.verify(allow_pending=allow_pending)
    if json:
        print_json(report.as_json())
    else:
        show(report)
    if not report.passed:
        sys.exit(1)


def show(report: Report) -> None:
    """Write the checks, the balance sheet and every first offender as tables."""
    print_table(
        f"Checks of {report.use_case}",
        [
            {
                "check": result.check,
                "checked": f"{result.checked:,}",
                "offenders": f"{result.offenders:,}",
                "": result.verdict,
            }
            for result in report.results
        ],
    )
    print_table("Balance sheet", _sheet(report.balance))
    for remark in _remarks(report):
        results.print(remark, highlight=False)
    for result in report.results:
        if result.first is not None:
            _show_offender(result, result.first)
    failed = sum(result.verdict == "FAIL" for result in report.results)
    verdict = "FAIL" if failed else "PASS"
    results.print(f"{verdict}: {failed} of {len(report.results)} checks fail", highlight=False)


def _remarks(report: Report) -> list[str]:
    """Return what the tables do not show."""
    numbers = [
        (len(report.balance.currencies) - _CURRENCIES_SHOWN, "more currencies: see --json"),
        (report.balance.unreadable_events, "events are unreadable, and outside the balance"),
        (report.balance.unreadable_dead_letters, "dead letters of unreadable events"),
        (report.pending, "events wait to be processed"),
        (report.in_motion, "events were processed while the topics were read: not judged"),
        (report.older, "records lack what is no longer kept of other topics: not judged"),
    ]
    return [f"{number:,} {what}" for number, what in numbers if number > 0]


def _sheet(balance: Balance) -> list[dict[str, str]]:
    """Return a row for each side, with its records and its amount in each currency."""
    decided = balance.decisions.amounts
    currencies = sorted(balance.currencies, key=lambda name: decided.get(name, 0), reverse=True)
    del currencies[_CURRENCIES_SHOWN:]
    sides = {
        "readable events": balance.events,
        "decisions": balance.decisions,
        "duplicates": balance.duplicates,
        "dead letters": balance.dead_letters,
    }
    rows = {
        name: [side.records, *(side.amounts.get(currency, 0) for currency in currencies)]
        for name, side in sides.items()
    }
    came_out = sum(side.records for side in balance.fates)
    differences = [balance.difference(currency) for currency in currencies]
    rows["difference"] = [came_out - balance.events.records, *differences]
    headings = ["records", *(f"{currency}, minor units" for currency in currencies)]
    return [
        {
            "": name,
            **{heading: f"{number:,}" for heading, number in zip(headings, row, strict=True)},
        }
        for name, row in rows.items()
    ]


def _show_offender(result: Result, first: Offender) -> None:
    place = first.place
    where = place.topic
    if place.partition is not None:
        where += f" partition {place.partition} offset {place.offset}"
    if place.event_id:
        where += f" event {place.event_id}"
    lines = (
        f"{result.verdict} {result.check}: offenders {result.offenders:,}, the first is {where}",
        f"  promised {result.promise}",
        f"  expected {first.expected}",
        f"  found    {first.found}",
    )
    for line in lines:
        results.print(line, highlight=False, markup=False, soft_wrap=True)
