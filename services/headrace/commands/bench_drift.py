"""``headrace bench-drift``: how often drift is noticed where there is none, and how soon else."""

from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from headrace.benchmark.drifts.report import document, tables, write
from headrace.benchmark.drifts.run import Plan, cores, run
from headrace.commands.console import print_json, print_table, progress
from headrace.errors import HeadraceError

Positive = Annotated[int, Parameter(validator=Number(gte=1))]


def bench_drift(
    *,
    seeds: Positive = 20,
    events: Positive = 500_000,
    seed: Annotated[int, Parameter(validator=Number(gte=0))] = 1,
    days: Positive = 240,
    outcomes: Positive = 10_000,
    processes: Positive | None = None,
    json: bool = False,
) -> None:
    """Watch worlds and streams, with and without drifts; exit 1 where it is not good enough.

    The services' own code runs in process: card fraud is decided, labelled and learned from in
    simulated worlds, and models learn from River's synthetic streams. Result and picture are kept
    in ``bench`` below HEADRACE_HOME.

    Parameters
    ----------
    seeds
        How many worlds of each kind, and streams of each kind.
    events
        Of each world.
    seed
        The first one.
    days
        Event time that a world's events fill; it drifts when 17 of 24 parts of them are over.
    outcomes
        Of each stream before it drifts, and as many again.
    processes
        At once. Default: as many as there are cores.
    json
        Print the result as JSON.
    """
    plan = Plan(seed, seeds, events, days, outcomes, processes or cores())
    results = run(plan, progress)
    told = document(plan, results)
    path = write(told, results)
    if json:
        print_json(told)
    else:
        for title, rows in tables(results):
            print_table(title, rows)
    progress(f"Written: {path} and {path.with_suffix('.svg').name}")
    if missed := [bar.name for bar in results.bars() if not bar.is_met]:
        raise HeadraceError(f"Not good enough: {'; '.join(missed)}.")
