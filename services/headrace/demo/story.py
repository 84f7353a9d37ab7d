"""What happened, told to somebody who sees it for the first time."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from headrace.demo.drifting import Drifted
from headrace.demo.summary import EXAMPLES, Summary
from headrace.demo.trace import Traced
from headrace.usecase.money import in_words

_DONE = {"approve": "approved", "review": "held for review", "decline": "declined"}


def what_happened(summary: Summary) -> str:
    """Return it in a paragraph."""
    tally = summary.tally
    fates = [
        f"{count:,} {_DONE.get(action, action)}"
        for action, count in tally.outcomes.actions.most_common()
    ]
    came = f"{summary.published.published:,} {_events(summary.event)} came"
    parts = [f"{came}: {_listed(fates) or 'none was decided'}"]
    if tally.duplicates:
        parts.append(f"{tally.duplicates:,} had come before and were not decided again")
    if letters := tally.dead_letters.total():
        parts.append(f"{letters:,} could not be decided and are kept as dead letters")
    if shadow := tally.outcomes.not_acted:
        parts.append(f"in shadow, so that nothing acts on {shadow:,} of the decisions")
    return f"{'; '.join(parts)}. {verdict(summary)}"


def verdict(summary: Summary) -> str:
    """Return whether the promises were kept."""
    results = summary.verified.results
    if summary.holds:
        return (
            f"Each of them came to exactly one thing, and all of it is proved:"
            f" {len(results)} of {len(results)} checks pass."
        )
    failed = sum(result.verdict == "FAIL" for result in results)
    told = f"Not every promise was kept: {failed} of {len(results)} checks fail"
    published, fates = summary.published.published, summary.tally.fates
    return f"{told}, and {fates:,} fates stand against {published:,} events published."


def how_it_went(summary: Summary) -> list[tuple[str, str]]:
    """Return what there is to say of money, time and faults: a name and a line each."""
    tally, outcomes = summary.tally, summary.tally.outcomes
    rows = [("money", line) for line in _money(summary)]
    rows += [("learning", line) for line in _learning(summary)]
    latencies = summary.latencies()
    if latencies:
        named = [f"{name.split()[1]} {value} ms" for name, value in latencies.items()]
        rows.append(("latency", f"{', '.join(named)}, from when an event was due to be published"))
    published, decided = summary.published.rate, tally.decisions_per_s
    rows.append(("rate", f"{published:,.0f} published and {decided:,.0f} decided per s"))
    if summary.echo_per_s is not None:
        ratio = tally.decisions_per_s / summary.echo_per_s
        rows.append(("raw echo", f"{summary.echo_per_s:,.0f} per s: the ratio is {ratio:.3f}"))
    letters = tally.dead_letters.most_common()
    if letters:
        rows.append(("dead letters", ", ".join(f"{name} {count:,}" for name, count in letters)))
    if outcomes.fallbacks:
        told = ", ".join(f"{why} {count:,}" for why, count in outcomes.fallbacks.most_common())
        rows.append(("by rules alone", told))
    if outcomes.deadline_missed:
        rows.append(("past the deadline", f"{outcomes.deadline_missed:,}"))
    return rows


def examples(summary: Summary) -> Iterator[tuple[str, list[str]]]:
    """Yield a line about each decision worth looking at, and its reasons in words."""
    for decision in summary.tally.outcomes.examples(EXAMPLES):
        yield _decided(decision), decision["reasons"]


def what_drifted(drifted: Drifted) -> str:
    """Return what became of a drift."""
    incident = drifted.incident
    return (
        f"A drift was switched on; {drifted.published:,} events and {drifted.seconds:.0f} s after"
        f" the first one there was incident {incident['incident_id']} ({incident['severity']})"
    )


def its_signals(drifted: Drifted) -> Iterator[tuple[str, list[str]]]:
    """Yield a line about each signal that an incident consists of, and what there is to know."""
    told = {each["signal_id"]: each for each in drifted.incident["signals"]}
    for signal in drifted.signals:
        since = datetime.fromtimestamp(signal["since_ms"] // 1_000, UTC)
        features = [f"{each['feature']} by {each['magnitude']:.2f}" for each in signal["features"]]
        lines = [f"since {since:%Y-%m-%d %H:%M}Z of event time, by {signal['magnitude']:.2f}"]
        if signal["segment"]:
            lines.append(f"of events with {signal['segment']} only")
        if features:
            lines.append(f"features that have shifted: {', '.join(features)}")
        lines.append(f"what to do: {told[signal['signal_id']]['runbook']}")
        yield told[signal["signal_id"]]["summary"], lines


def one_way(traced: Traced, use_case: str) -> Iterator[str]:
    """Yield the steps of one event, each below the one that led to it."""
    names = [step.name.replace(f"{use_case}.", "") for step in traced.steps]
    services = [f"{'  ' * step.depth}{step.service}" for step in traced.steps]
    width, name_width = (max(map(len, each), default=0) for each in (services, names))
    for service, name, step in zip(services, names, traced.steps, strict=True):
        at = f"at {step.began_ms:6.1f} ms, for {step.took_ms:6.1f} ms"
        yield f"{service:<{width}}  {name:<{name_width}}  {at}"


def next_steps(
    summary: Summary, charter: str | None, program: str = "headrace"
) -> list[tuple[str, str]]:
    """Return commands to try, and what each is good for.

    Parameters
    ----------
    charter
        Path of the demo's own charter, where its topics are still there.
    program
        What to type for ``headrace``.
    """
    if charter is None:
        steps = [
            ("demo --keep", "leave the broker up, and look around"),
            ("demo --rate 3000 --events 60000", "three times as fast"),
            ("demo --verbose", "every check and the balance sheet"),
        ]
    else:
        named = [decision["event_id"] for decision in summary.tally.outcomes.examples(1)]
        if summary.traced is not None:
            named = [summary.traced.event_id]
        steps = [
            *((f"explain {each} --charter {charter}", "one decision, whole") for each in named),
            (f"tail {summary.use_case}.decisions --no-follow --limit 5", "read a topic"),
            (f"verify --charter {charter}", "every check and the balance sheet"),
            *_incident_steps(summary.drifted),
            ("down", "stop broker, registry and Zipkin (--delete: forget their data)"),
        ]
    return [(f"{program} {arguments}", purpose) for arguments, purpose in steps]


def _incident_steps(drifted: Drifted | None) -> list[tuple[str, str]]:
    if drifted is None:
        return []
    return [(f"incidents list --charter {drifted.charter}", "what is the matter, and since when")]


def _money(summary: Summary) -> Iterator[str]:
    money = summary.tally.outcomes.money
    for currency in money.currencies:
        line = (
            f"of {in_words(money.decided[currency], currency)},"
            f" {in_words(money.declined[currency], currency)} declined"
        )
        if approving := money.cost_of_approving[currency]:
            line += (
                f"; the decisions are expected to cost {in_words(money.cost[currency], currency)},"
                f" approving everything {in_words(approving, currency)}"
            )
        yield line


def _learning(summary: Summary) -> Iterator[str]:
    """Yield which models decided, and what those that learned have done better."""
    if not summary.learns:
        return
    named = [
        f"{model} {version}".rstrip() + f" {count:,}"
        for (model, version), count in summary.tally.outcomes.models.items()
    ]
    yield f"decided by {', then by '.join(named)}"
    better = summary.improvement
    if better is None:
        yield "no model has learned enough yet to decide in the scorecard's place"
        return
    currencies = summary.tally.outcomes.money.currencies
    currency = currencies[0] if currencies else ""
    learned, card = better.learned, better.scorecard
    yield (
        f"of the {better.events:,} that models decided which had learned, {better.positives:,} were"
        f" fraud: average precision {learned.average_precision:.2f}, the scorecard's would have"
        f" been {card.average_precision:.2f}; ROC AUC {learned.roc_auc:.2f}, not"
        f" {card.roc_auc:.2f}; cost {in_words(learned.cost_minor, currency)}, not"
        f" {in_words(card.cost_minor, currency)}"
    )


def _events(schema: str) -> str:
    """Return what to call some events: by their record's name where that is one word."""
    record = schema.rpartition("/")[2]
    return f"{record.lower()}s" if record.istitle() else "events"


def _decided(decision: Mapping[str, Any]) -> str:
    action = _DONE.get(decision["action"], decision["action"])
    amount, currency = decision["amount_minor"], decision["currency"]
    about = "" if amount is None or currency is None else f" {in_words(amount, currency)}"
    how = f"score {decision['score']:.3f}" if not decision["fallback"] else "by the rules alone"
    return f"{action}:{about}, {how}, event {decision['event_id']}"


def _listed(parts: list[str]) -> str:
    *before, last = parts or [""]
    return f"{', '.join(before)} and {last}" if before else last
