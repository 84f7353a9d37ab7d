"""How ``headrace publish`` runs a publisher, and what it says of the outcome."""

import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Final

from rich.progress import track

from headrace.commands import console
from headrace.errors import HeadraceError
from headrace.simulator.kinds import DECIDED
from headrace.simulator.labelling import Labelling
from headrace.simulator.publisher import Published, Publisher
from headrace.simulator.sources import Source

INTERRUPTED: Final = 130


def run(publisher: Publisher, source: Source, labelling: Labelling | None) -> bool:
    """Publish all of a source, and the labels beside it; return whether that was interrupted.

    Raises
    ------
    HeadraceError
        The source or the labelling cannot go on.
    """
    bar = track(
        source.publications,
        "publishing",
        total=source.records,
        console=console.errors,
        transient=True,
        disable=not console.errors.is_terminal,
    )
    with _stopped_by_interrupt() as stop, _beside(labelling, stop):
        outcome = publisher.run(bar, stop)
        if labelling is not None:
            console.progress("waiting for the decisions that labels depend on")
            labelling.expect(sum(outcome.by_kind[kind] for kind in DECIDED))
    return stop.is_set()


@contextmanager
def _beside(labelling: Labelling | None, stop: Event) -> Iterator[None]:
    """Let labelling run in a thread of its own; an error in the block stops it early."""
    if labelling is None:
        yield
        return
    with ThreadPoolExecutor(1) as pool:
        labelled = pool.submit(labelling.run, stop)
        try:
            yield
        except BaseException:
            stop.set()
            raise
        labelled.result()


@contextmanager
def _stopped_by_interrupt() -> Iterator[Event]:
    """Let the first Ctrl-C set the event, so that what was queued is sent; the second kills."""
    stop = Event()
    before = signal.getsignal(signal.SIGINT)

    def interrupt(*_: object) -> None:
        console.progress("interrupted: waiting for what was sent")
        stop.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def show(outcome: Published, topic: str, labelling: Labelling | None, *, json: bool) -> None:
    """Print what came of it."""
    late_s = outcome.max_lateness_s
    summary: dict[str, object] = {
        "published": outcome.published,
        "failed": outcome.failed,
        "seconds": round(outcome.seconds, 3),
        "events_per_s": round(outcome.rate),
        "max_lateness_ms": None if late_s is None else round(late_s * 1_000, 3),
    }
    labels = {} if labelling is None else dict(labelling.by_source.most_common())
    if json:
        if labelling is not None:
            summary |= {"labels": labels, "heartbeats": labelling.heartbeats}
        by_kind = dict(outcome.by_kind)
        console.print_json({"topic": topic, **summary, "by_kind": by_kind})
        return
    by_source = [(f"labels: {source}", number) for source, number in labels.items()]
    if labelling is not None:
        by_source.append(("heartbeats", labelling.heartbeats))
    numbers = [*outcome.by_kind.most_common(), *summary.items(), *by_source]
    rows = [{"": name, "value": value} for name, value in numbers if value is not None]
    console.print_table(f"Published to {topic}", rows)


def end(outcome: Published, *, interrupted: bool) -> None:
    """Exit as the outcome asks for.

    Raises
    ------
    HeadraceError
        A record was not acknowledged.
    """
    if interrupted:
        sys.exit(INTERRUPTED)
    if outcome.failed:
        raise HeadraceError(
            f"{outcome.failed} records were not acknowledged; the first: {outcome.first_failure}",
            fix="Look at the broker with `headrace status` and publish again: what arrived is a "
            "duplicate then.",
        )
