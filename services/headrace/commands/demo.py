"""``headrace demo``: see the whole of it in a minute."""

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.table import Table
from rich.text import Text

from headrace.commands.console import errors, print_json, print_table, progress, results
from headrace.commands.verify import show as show_checks
from headrace.demo.display import Display, PlainLines
from headrace.demo.live import LiveView
from headrace.demo.plan import Plan
from headrace.demo.run import demo as run_demo
from headrace.demo.story import (
    examples,
    how_it_went,
    its_signals,
    next_steps,
    one_way,
    what_drifted,
    what_happened,
)
from headrace.demo.summary import Summary
from headrace.demo.trace import Traced
from headrace.errors import HeadraceError
from headrace.scoring.settings import ScoringSettings

_DEFAULT_RATE = 1_000.0


def demo(
    *,
    file: Annotated[Path | None, Parameter(name="--from")] = None,
    limit: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    events: Annotated[int, Parameter(validator=Number(gte=1))] = 24_000,
    seed: Annotated[int, Parameter(validator=Number(gte=0))] = 1,
    rate: Annotated[float | None, Parameter(validator=Number(gt=0))] = None,
    echo: bool = False,
    learn: bool = True,
    drift: bool = True,
    keep: bool = False,
    plain: bool = False,
    verbose: bool = False,
    json: bool = False,
) -> None:
    """Decide transactions on a real broker, and verify every decision; exit 1 where that fails.

    Parameters
    ----------
    file
        A Parquet file of recorded transactions (the Fraud Detection Handbook's columns) instead
        of simulated ones.
    limit
        Only so many of its rows.
    events
        How many events to simulate.
    seed
        Seed of the simulation.
    rate
        Events a second. Default: 1,000 for simulated events, as fast as possible for a file.
    echo
        Afterwards, echo the same records with plain confluent-kafka, and compare.
    learn
        Let models learn beside, from the labels of what is decided; in a world that is simulated
        and comes at a rate. They take over once they would have cost no more than the scorecard.
    drift
        At the end, switch a drift on in a use case of its own, and show the incident that it
        becomes; in a world that is simulated and comes at a rate. Half a minute more.
    keep
        Leave the local stack up at the end, to look around.
    plain
        Lines of progress also on a terminal, where there is a live view of what comes at a rate.
    verbose
        At the end, show every check, the balance sheet and every number.
    json
        Print the summary as JSON.
    """
    if file is None and rate is None:
        rate = _DEFAULT_RATE
    plan = Plan(
        file, limit, events, seed, rate, with_echo=echo, keep=keep, learn=learn, drift=drift
    )
    summary = run_demo(plan, ScoringSettings().charter, progress, _display(plain=plain))
    if json:
        print_json(summary.as_json())
    else:
        _show(summary, verbose=verbose)
    if not summary.holds:
        raise HeadraceError("Not every promise was kept: see the checks above.")
    if not json:
        home = ScoringSettings().home / "demo"
        _show_steps(summary, str(home / f"{summary.use_case}.toml") if keep else None)


def _display(*, plain: bool) -> Display:
    """Choose the live view where it can be drawn."""
    drawable = errors.is_terminal and not errors.is_dumb_terminal
    return LiveView(errors) if drawable and not plain else PlainLines(progress)


def _show(summary: Summary, *, verbose: bool) -> None:
    """Tell what happened; all of the checks only where that is asked for, or one fails."""
    if verbose or not summary.holds:
        show_checks(summary.verified)
        numbers = [{"": name, "count": value} for name, value in summary.numbers().items()]
        print_table(f"Demo of {summary.use_case}", numbers)
    results.print()
    results.print(Text(what_happened(summary), "bold"))
    results.print()
    _print_rows(how_it_went(summary))
    told = list(examples(summary))
    if told:
        results.print()
        results.print(Text("For example", "bold"))
    _print_with_reasons(told)
    _show_trace(summary.traced, summary.use_case)
    if summary.drifted is not None:
        results.print()
        results.print(Text(what_drifted(summary.drifted), "bold"))
        _print_with_reasons(its_signals(summary.drifted))


def _print_with_reasons(told: Iterable[tuple[str, list[str]]]) -> None:
    for line, reasons in told:
        results.print(f"  {line}", highlight=False, markup=False)
        for reason in reasons:
            results.print(Text(f"    - {reason}"))


def _show_trace(traced: Traced | None, use_case: str) -> None:
    if traced is None:
        return
    results.print()
    results.print(Text(f"The way of event {traced.event_id}, as it was traced", "bold"))
    for line in [*one_way(traced, use_case), traced.page]:
        # Not folded: the address is there to be opened.
        results.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)


def _show_steps(summary: Summary, charter: str | None) -> None:
    """Say what to try next."""
    results.print()
    results.print(Text("What to try next", "bold"))
    for command, purpose in next_steps(summary, charter, _program()):
        results.print(f"  {purpose}:", highlight=False, markup=False)
        # Not folded: it is there to be copied.
        results.print(f"    {command}", highlight=False, markup=False, soft_wrap=True)


def _program() -> str:
    """Return what to type for this program: its path, where the shell would not find it."""
    if shutil.which("headrace"):
        return "headrace"
    path = Path(sys.argv[0])
    return os.path.relpath(path) if path.name == "headrace" else f"{sys.executable} -m headrace"


def _print_rows(rows: list[tuple[str, str]]) -> None:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, line in rows:
        table.add_row(name, Text(line))
    results.print(table)
