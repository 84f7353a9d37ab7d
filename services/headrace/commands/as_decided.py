"""``headrace backtest --topics --as-decided``: a live run's decisions, decided again in process."""

import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from rich.progress import Progress

from headrace.backtesting.comparing import BY_RUN, Comparison
from headrace.backtesting.live import AsDecided, ModelOf, paired
from headrace.backtesting.surveyed import Surveyed
from headrace.chassis.reading import bounds
from headrace.chassis.table import Table
from headrace.commands.console import errors, print_json, print_table, progress
from headrace.commands.histories import TIMEOUT_S, partitions_of, received
from headrace.commands.shelf import Shelf
from headrace.models.trust import ModelUntrusted
from headrace.scoring.app import verified_model
from headrace.scoring.settings import ScoringSettings
from headrace.usecase.feature_kinds import ProfileFeature

_HELD: Final = 32
"""So many models are held at once."""


def compare(charter: Path | None, *, json: bool) -> None:
    """Decide again what a live run has decided, and say whether it is the same; exit 1 if not.

    Raises
    ------
    HeadraceError
        The charter is wrong, the broker or the registry is away, or the topics are not there.
    """
    shelf = Shelf.open(charter)
    comparison, declared = _compared(shelf), shelf.desk.charter
    named = f"{declared.name} {declared.version}"
    if json:
        given = [each.name for each in declared.features if isinstance(each, ProfileFeature)]
        print_json(
            {
                "charter": named,
                "compared": comparison.compared,
                "same": comparison.same,
                "different": comparison.different,
                "fields": dict(comparison.fields),
                "incomparable": dict(comparison.incomparable),
                "examples": [each._asdict() for each in comparison.examples],
                "given": given,
                "left_out": BY_RUN,
            }
        )
    else:
        show(named, comparison)
    if comparison.different:
        sys.exit(1)


def show(charter: str, comparison: Comparison) -> None:
    """Write a comparison of a charter's decisions as tables."""
    summary = {
        "charter": charter,
        "compared": comparison.compared,
        "same": comparison.same,
        "different": comparison.different,
        "not compared": comparison.incomparable.total(),
    }
    print_table("As decided", [summary])
    counts: Mapping[str, Mapping[Any, int]] = {
        "Different": comparison.fields,
        "Not compared": comparison.incomparable,
    }
    for title, counted in counts.items():
        if counted:
            print_table(title, [{"": name, "decisions": n} for name, n in counted.items()])
    if comparison.examples:
        print_table("Examples", [each._asdict() for each in comparison.examples])


def _compared(shelf: Shelf) -> Comparison:
    desk, comparison = shelf.desk, Comparison()
    declared, topic = desk.charter, f"{desk.charter.name}.events"
    left_out, partitions = Counter[str](), partitions_of(desk)
    progress(f"Looking through the decisions of {declared.name} ...")
    surveyed = Surveyed(received(desk, "decisions", left_out))
    comparison.incomparable.update({"unreadable": left_out.total()} if left_out else {})
    events = bounds(desk.clients, topic, partitions, TIMEOUT_S)
    decisions = bounds(desk.clients, f"{declared.name}.decisions", partitions, TIMEOUT_S)
    entries, model_of = _entries(shelf), _models(shelf)
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task("deciding again", total=sum(surveyed.number.values()))
        for partition in partitions:
            if events[partition].start > 0:
                comparison.incomparable["events_gone"] += surveyed.number[partition]
                continue
            again = AsDecided(
                declared,
                model_of,
                entries,
                topic,
                len(partitions),
                comparison,
                has_all_decisions=decisions[partition].start == 0,
            )
            pairs = paired(
                received(desk, "events", Counter(), partition),
                surveyed.again(partition, received(desk, "decisions", Counter(), partition)),
                surveyed.strays(partition),
                surveyed.last.get(partition, -1),
            )
            again.run(pairs, lambda done: bar.advance(task, done))
    return comparison


def _entries(shelf: Shelf) -> Mapping[str, Mapping[str, Any]]:
    """Return the lists as they are now."""
    desk = shelf.desk
    channel = desk.wiring.channel(f"{desk.charter.name}.entities")
    with closing(Table(desk.clients, channel.topic, channel.decode)) as table:
        table.open(TIMEOUT_S)
        return dict(table.records)


def _models(shelf: Shelf) -> ModelOf:
    """Return what finds a model by its digest: the one to begin with, or a published one."""
    first = verified_model(ScoringSettings(), shelf.desk.charter)
    published = {each["digest"]: each for each in shelf.records}

    @lru_cache(_HELD)
    def model_of(digest: bytes) -> Any:
        if first is not None and first.digest == digest:
            return first
        if digest not in published:
            return None
        try:
            return shelf.models.verified(published[digest])
        except ModelUntrusted as error:
            progress(f"{error}")
            return None

    return model_of
