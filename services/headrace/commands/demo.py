"""``headrace demo``: see the whole of it in a minute."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from headrace.commands.console import print_json, print_table, progress, results
from headrace.commands.verify import show
from headrace.demo.run import Plan
from headrace.demo.run import demo as run_demo
from headrace.errors import HeadraceError
from headrace.scoring.settings import ScoringSettings

_DEFAULT_RATE = 1_000.0


def demo(
    *,
    file: Annotated[Path | None, Parameter(name="--from")] = None,
    limit: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    events: Annotated[int, Parameter(validator=Number(gte=1))] = 20_000,
    seed: Annotated[int, Parameter(validator=Number(gte=0))] = 1,
    rate: Annotated[float | None, Parameter(validator=Number(gt=0))] = None,
    echo: bool = False,
    keep: bool = False,
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
    keep
        Leave the local stack up at the end, to look around.
    json
        Print the summary as JSON.
    """
    if file is None and rate is None:
        rate = _DEFAULT_RATE
    plan = Plan(file, limit, events, seed, rate, with_echo=echo, keep=keep)
    summary = run_demo(plan, ScoringSettings().charter, progress)
    if json:
        print_json(summary.as_json())
    else:
        show(summary.verified)
        numbers = [{"": name, "count": value} for name, value in summary.numbers().items()]
        print_table(f"Demo of {summary.use_case}", numbers)
    if not summary.holds:
        raise HeadraceError("Not every promise was kept: see the checks above.")
    if not json:
        results.print("Every event came to exactly one thing, and all of it is proved.")
    if keep:
        home = ScoringSettings().home / "demo"
        progress(
            "The stack is still up. Look around: "
            f"headrace tail {summary.use_case}.decisions --no-follow --limit 5; "
            f"headrace verify --charter {home / summary.use_case}.toml; headrace down"
        )
