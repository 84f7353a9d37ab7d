"""``headrace backtest``: a charter over recorded events, without a broker."""

import time
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.progress import Progress

from headrace.backtesting.history import History
from headrace.backtesting.in_one_batch import in_one_batch, is_installed
from headrace.backtesting.picture import picture
from headrace.backtesting.protocol import PUBLISHED, TRAIN_FROM, Measured, Protocol, last_known
from headrace.backtesting.record import Record, run
from headrace.backtesting.recording import Recording
from headrace.commands.as_decided import compare
from headrace.commands.console import errors, print_json, print_table, progress
from headrace.commands.histories import history
from headrace.contracts.location import shipped
from headrace.contracts.schemas import field_names
from headrace.errors import HeadraceError
from headrace.learning.domain import is_drawn
from headrace.scoring.settings import ScoringSettings
from headrace.usecase.charter import Charter


def backtest(
    *,
    file: Annotated[Path | None, Parameter(name="--from")] = None,
    topics: Annotated[bool, Parameter(negative="")] = False,
    as_decided: Annotated[bool, Parameter(negative="")] = False,
    mapping: Path | None = None,
    charter: Path | None = None,
    limit: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    train_from: date | None = None,
    decisions_out: Path | None = None,
    json: bool = False,
) -> None:
    """Decide recorded events in their order, learn from them as labels come, and measure.

    The services' own code runs in process, as fast as it can. A picture is kept in ``backtests``
    below HEADRACE_HOME.

    Parameters
    ----------
    file
        A Parquet file of recorded events, one a row, in the order of their times.
    topics
        In place of a file: the charter's own events and labels, from the first that is kept on.
    as_decided
        With --topics: decide what a live run has decided, by the models and the profile values
        that its decisions name, and compare; exit 1 where anything differs.
    mapping
        A file's columns, and which of them says what an event really was. Default: the Fraud
        Detection Handbook's.
    charter
        The use case. Default: card-fraud-fdh for a file, card-fraud for topics.
    limit
        Only so many events.
    train_from
        First day of the handbook's protocol: a week to train on, a week until its labels are known,
        and the week that is measured. Default: for a file the handbook's; for topics, so that the
        last week of which all is known is measured.
    decisions_out
        A .parquet file for event_id and score of each decision.
    json
        Print the result as JSON.
    """
    if (file is None) != topics:
        raise HeadraceError("A backtest is of a file or of topics.", fix="Say --from, or --topics.")
    if as_decided:
        _refuse(
            {"--from": file, "--mapping": mapping, "--limit": limit}
            | {"--train-from": train_from, "--decisions-out": decisions_out},
            "--as-decided",
        )
        compare(charter, json=json)
        return
    if decisions_out is not None:
        _require_writable(decisions_out)
    pictures = _pictures()
    if file is None:
        _refuse({"--mapping": mapping}, "--topics")
        source = _of_topics(charter, limit, train_from)
    else:
        source = _of_file(file, charter, mapping, limit, train_from)
    began = time.monotonic()
    record, protocol = _decided(source)
    took_s = time.monotonic() - began
    if decisions_out is not None:
        _write(record, decisions_out)
    measured = _measured(source, record, protocol)
    drawn = pictures / f"{time.strftime('%Y%m%d-%H%M%S')}.svg"
    drawn.write_text(picture(record, protocol.rows))
    summary = {
        "charter": f"{source.charter.name} {source.charter.version}",
        "events": len(record.event_ids),
        "rejected": record.rejected,
        "events_per_s": round(len(record.event_ids) / took_s),
        "tested": len(protocol.rows),
    }
    if json:
        found = {name: each._asdict() for name, each in measured.items()}
        print_json(
            {
                **summary,
                **source.counts,
                "train_from": source.train_from,
                "learned": record.learned,
                "picture": str(drawn),
                "versions": record.versions,
                "measured": found,
            }
        )
    else:
        _show(source, summary, measured)
    progress(f"Written: {drawn}")


class _Source(NamedTuple):
    """What is decided, and how that is measured."""

    charter: Charter
    recorded: Recording | History
    train_from: date
    published: Mapping[str, Measured]
    """What others have measured of the same."""

    @property
    def counts(self) -> Mapping[str, object]:
        """How much of the topics counts."""
        return self.recorded.summary if isinstance(self.recorded, History) else {}

    @property
    def share(self) -> float:
        """Of the negatives, what is learned from."""
        return self.charter.learning.negatives_share if self.charter.learning else 1.0


def _of_topics(charter: Path | None, limit: int | None, train_from: date | None) -> _Source:
    case, recorded = history(charter, limit)
    wait_ms = case.labels.horizon_ms + case.events.lateness_ms
    first = train_from or last_known(recorded.known_until_ms - wait_ms, recorded.last_ms)
    return _Source(case, recorded, first, {})


def _of_file(
    file: Path,
    charter: Path | None,
    mapping: Path | None,
    limit: int | None,
    train_from: date | None,
) -> _Source:
    deploy = shipped("deploy")
    case = Charter.load(charter or deploy / "charters" / "card-fraud-fdh.toml", field_names)
    recorded = Recording(file, mapping or deploy / "mappings" / "fdh.toml", case, limit)
    return _Source(case, recorded, train_from or TRAIN_FROM, PUBLISHED)


def _refuse(options: Mapping[str, object], beside: str) -> None:
    """Refuse options that mean nothing beside another.

    Raises
    ------
    HeadraceError
        One of them is given.
    """
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise HeadraceError(
            f"{' and '.join(given)} cannot be used with {beside}.", fix="Leave one of both out."
        )


def _show(source: _Source, summary: Mapping[str, object], measured: Mapping[str, Measured]) -> None:
    print_table("Backtest", [summary])
    if source.counts:
        print_table("Of the topics", [_flat(source.counts)])
    if measured:
        print_table(f"Test week, trained from {source.train_from}", list(_rows(measured)))


def _flat(more: Mapping[str, object]) -> Mapping[str, object]:
    """Return what a table can show: of counts by reason, each reason in words."""
    return {
        name: ", ".join(f"{number:,} {reason}" for reason, number in value.items()) or "none"
        if isinstance(value, Mapping)
        else value
        for name, value in more.items()
    }


def _decided(source: _Source) -> tuple[Record, Protocol]:
    week, share = Protocol.test_week_ms(source.train_from), source.share

    def keep(event_id: str, is_positive: bool, time_ms: int) -> bool:
        return is_positive or is_drawn(event_id, share) or time_ms in week

    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task("deciding", total=source.recorded.rows)
        record = run(source.charter, source.recorded, keep, lambda done: bar.advance(task, done))
    counts = record.is_decided & record.is_known
    times_ms, keys, is_positive = record.times_ms, record.keys, record.is_positive
    return record, Protocol(source.train_from, times_ms, keys, is_positive, counts)


def _measured(source: _Source, record: Record, protocol: Protocol) -> Mapping[str, Measured]:
    if not record.is_positive[protocol.rows].any():
        progress("The recording has nothing to measure in the test week; see --train-from.")
        return {}
    ours = {
        name: protocol.measure(scores)
        for name, scores in record.scores.items()
        if not _is_missing(scores[protocol.rows])
    }
    batch: Mapping[str, Measured] = {}
    if is_installed():
        progress("Learning the same in one batch ...")
        batch = in_one_batch(record, protocol, source.share)
    else:
        progress("For models learned in one batch beside it: pip install 'headrace[backtest]'.")
    return {**ours, **batch, **source.published}


def _is_missing(scores: Any) -> bool:
    return bool((scores != scores).any())


def _rows(measured: Mapping[str, Measured]) -> Iterator[Mapping[str, object]]:
    for name, each in measured.items():
        yield {
            "model": name,
            "average precision": f"{each.average_precision:.3f}",
            "ROC AUC": f"{each.roc_auc:.3f}",
            "card precision@100": f"{each.card_precision_100:.3f}",
        }


def _require_writable(path: Path) -> None:
    """See to it before the work that its result can be kept."""
    if path.suffix != ".parquet" or path.is_dir() or not path.absolute().parent.is_dir():
        raise HeadraceError(
            f"The decisions cannot be written to {path}.",
            fix="Name a .parquet file in a folder that there is.",
        )


def _pictures() -> Path:
    home = ScoringSettings().home.absolute() / "backtests"
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HeadraceError(
            f"There is no place for the picture: {error}.", fix="Set HEADRACE_HOME to a folder."
        ) from None
    return home


def _write(record: Record, path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.table({"event_id": pa.array(record.event_ids), "score": pa.array(record.served)})
    try:
        parquet.write_table(table.filter(pa.array(record.is_decided)), path)
    except OSError as error:
        raise HeadraceError(f"The decisions cannot be written to {path}: {error}.") from None
