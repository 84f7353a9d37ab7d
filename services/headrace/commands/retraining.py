"""``headrace models retrain``: challengers learned anew from history, while the champion serves."""

import sys
from pathlib import Path
from typing import Any, Final

from rich.progress import Progress

from headrace.chassis.clock import now_ms
from headrace.commands.console import complain, errors, print_json, print_line, print_table
from headrace.commands.desk import Desk
from headrace.commands.shelf import SHORT, to_serve
from headrace.learning.retrainer import Retrained, Retrainer
from headrace.learning.retraining import Retraining
from headrace.models.keys import load_key
from headrace.scoring.settings import ScoringSettings

_TIMEOUT_S: Final = 30.0


def retrain(
    *,
    model: str | None = None,
    reason: str = "",
    charter: Path | None = None,
    json: bool = False,
) -> None:
    """Learn anew from all outcomes, from what each event is held to be in the end, and publish.

    Who serves does not change: what is published is a challenger, until somebody lets it serve.
    Where nothing has become known since the last time, nothing is published. To have it done
    again and again, declare ``retrain_every`` in the charter, and run: headrace run retraining

    Parameters
    ----------
    model
        Only this one of the charter's models; all of them where not given.
    reason
        Why; it is signed with the model.
    charter
        The use case's charter; the shipped one where not given.
    json
        Print what came of it as JSON.
    """
    desk = Desk.open(charter, _TIMEOUT_S)
    key = load_key(ScoringSettings().signing_key)
    retrainer = Retrainer(desk.charter, desk.clients, desk.wiring, key, now_ms)
    done = _watched(retrainer, None if model is None else [model], reason)
    if json:
        print_json(_described(done))
    elif done.why_not:
        print_line(f"Nothing was published: {done.why_not}.")
    elif done.work is not None:
        _print_retrained(done, done.work, charter)
    for name, why in done.refused.items():
        complain("error", f"{name} is not published: {why}")
    if done.refused:
        sys.exit(1)


def _watched(retrainer: Retrainer, names: list[str] | None, reason: str) -> Retrained:
    """Learn anew, with a bar that shows how far that has come."""
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task("")

        def watch(doing: str, at: int, end: int) -> bool:
            bar.update(task, description=doing, completed=at, total=end)
            return True

        return retrainer.retrain(names, reason, watch)


def _described(done: Retrained) -> dict[str, Any]:
    return {
        **(_learned(done.work) if done.work is not None else {}),
        "published": [
            {name: each[name] for name in ("name", "version", "digest")} for each in done.published
        ],
        "refused": done.refused,
        "why_not": done.why_not,
    }


def _learned(work: Retraining) -> dict[str, Any]:
    return {
        "decisions": work.decisions,
        "corrected": work.corrected,
        "learned_from": work.standing.fold.taken,
        "censored": work.censored,
        "passed_over": dict(work.passed_over),
    }


def _print_retrained(done: Retrained, work: Retraining, charter: Path | None) -> None:
    rows = [
        {"name": each["name"], "version": each["version"], "digest": each["digest"].hex()[:SHORT]}
        for each in done.published
    ]
    print_table(
        f"Learned anew from {work.standing.fold.taken:,} of {work.decisions:,} decisions", rows
    )
    print_line(
        f"{work.corrected:,} outcomes were corrected; {work.censored:,} decisions are censored."
    )
    for why, count in work.passed_over.most_common():
        print_line(f"{count:,} were passed over: {why}.")
    for each in done.published:
        print_line(f"To let it serve: {to_serve(each, charter)}")
