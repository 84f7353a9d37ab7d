"""``headrace models retrain``: challengers learned anew from history, while the champion serves."""

import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from rich.progress import Progress

from headrace.chassis.reading import end_of
from headrace.commands.console import (
    complain,
    errors,
    print_json,
    print_json_line,
    print_line,
    print_table,
    progress,
)
from headrace.commands.shelf import SHORT, Shelf, manifest_of, put, to_serve
from headrace.contracts.records import ModelPublished
from headrace.errors import HeadraceError
from headrace.learning.app import now_ms, past
from headrace.learning.publishing import Publishing
from headrace.learning.retraining import Retraining, narrowed
from headrace.models.keys import load_key
from headrace.models.manifest import LearnedLineage
from headrace.scoring.settings import ScoringSettings
from headrace.usecase.charter import Charter
from headrace.usecase.declared import parse_duration_ms

_TIMEOUT_S: Final = 30.0


class _Retrained(NamedTuple):
    """What came of going through the outcomes once more."""

    work: Retraining
    published: list[ModelPublished]
    refused: Mapping[str, str]
    """By model, why it must not be published."""
    why_not: str
    """Why nothing was learned; empty where it was."""


def retrain(
    *,
    model: str | None = None,
    every: str | None = None,
    reason: str = "",
    charter: Path | None = None,
    json: bool = False,
) -> None:
    """Learn anew from all outcomes, from what each event is held to be in the end, and publish.

    Who serves does not change: what is published is a challenger, until somebody lets it serve.
    Where nothing has become known since the last time, nothing is published.

    Parameters
    ----------
    model
        Only this one of the charter's models; all of them where not given.
    every
        Do it again each so often, as 7d, until Ctrl-C or SIGTERM.
    reason
        Why; it is signed with the model.
    charter
        The use case's charter; the shipped one where not given.
    json
        Print what came of it as JSON; with --every, a line each time.
    """
    period_s = None if every is None else _seconds(every)
    if period_s is None:
        done = _retrained(model, reason, charter)
        _tell(done, charter, print_json if json else None)
        if done.refused:
            sys.exit(1)
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while True:
            began = time.monotonic()
            _tell(_retrained(model, reason, charter), charter, print_json_line if json else None)
            time.sleep(max(0.0, began + period_s - time.monotonic()))
    except KeyboardInterrupt:
        progress("Nothing is learned anew from now on.")


def _seconds(every: str) -> float:
    try:
        period_s = parse_duration_ms(every) / 1_000
    except ValueError as error:
        raise HeadraceError(f"--every is {every!r}: {error}.") from None
    if not period_s:
        raise HeadraceError("--every is no time at all.", fix="Write 7d, or 12h.")
    return period_s


def _retrained(model: str | None, reason: str, charter: Path | None) -> _Retrained:
    shelf = Shelf.open(charter)
    wanted = narrowed(shelf.desk.charter, model)
    key = load_key(ScoringSettings().signing_key)
    work, end = Retraining(wanted), end_of(shelf.desk.clients, _outcomes(wanted), _TIMEOUT_S)
    _go_through(shelf, end, "reading what is known", work.look)
    if why_not := _why_not(work, shelf, wanted, model):
        return _Retrained(work, [], {}, why_not)
    _go_through(shelf, end, "learning", work.learn)
    if not work.standing.fold.taken:
        return _Retrained(work, [], {}, "there is nothing that can be learned from")
    release = Publishing(wanted, key, now_ms).release(
        work.standing, is_retrained=True, reason=reason
    )
    published = [each for name, each in release.published.items() if model in (None, name)]
    if published:
        put(shelf.desk, published)
    refused = {
        name: why for name, why in release.refused.items() if model in (None, name) or name == "all"
    }
    return _Retrained(work, [each.model[1] for each in published], refused, "")


def _outcomes(charter: Charter) -> str:
    return f"{charter.name}.outcomes"


def _go_through(
    shelf: Shelf, end: int, doing: str, take: Callable[[Mapping[str, Any], int], None]
) -> None:
    """Take all outcomes before an offset, from the first on."""
    channel = shelf.desk.wiring.channel(_outcomes(shelf.desk.charter))
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task(doing, total=end)
        for batch in past(shelf.desk.clients, channel, range(end), _TIMEOUT_S):
            for each in batch:
                take(each.record, each.offset)
                bar.update(task, completed=each.offset + 1)


def _why_not(work: Retraining, shelf: Shelf, charter: Charter, model: str | None) -> str:
    """Return why there is nothing to be learned; empty where there is."""
    if not work.decisions:
        return "nothing has become known yet; labelling says what has"
    assert charter.learning is not None  # noqa: S101 -- narrowed has looked
    names = set(charter.learning.models) if model is None else {model}
    if names <= _retrained_until(work.until, shelf, charter):
        return "nothing has become known since the last time"
    return ""


def _retrained_until(offset: int, shelf: Shelf, charter: Charter) -> set[str]:
    """Return which models were learned anew from just these outcomes, as the charter has it."""
    manifests = [each for each in map(manifest_of, shelf.records) if each is not None]
    return {
        each.name
        for each in manifests
        if isinstance(each.lineage, LearnedLineage)
        and each.lineage.is_retrained
        and each.lineage.until_offset == offset
        and each.lineage.charter == charter.digest.hex()
    }


def _tell(
    done: _Retrained, charter: Path | None, document: Callable[[object], None] | None
) -> None:
    """Print what came of it, as a document where there is a printer of those."""
    if document is not None:
        document(_described(done))
    elif done.why_not:
        print_line(f"Nothing was published: {done.why_not}.")
    else:
        _print_retrained(done, charter)
    for name, why in done.refused.items():
        complain("error", f"{name} is not published: {why}")


def _described(done: _Retrained) -> dict[str, Any]:
    work = done.work
    return {
        "decisions": work.decisions,
        "corrected": work.corrected,
        "learned_from": work.standing.fold.taken,
        "censored": work.censored,
        "passed_over": dict(work.passed_over),
        "published": [
            {name: each[name] for name in ("name", "version", "digest")} for each in done.published
        ],
        "refused": done.refused,
        "why_not": done.why_not,
    }


def _print_retrained(done: _Retrained, charter: Path | None) -> None:
    work = done.work
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
