"""``headrace backtest``: a charter over recorded events, without a broker."""

import time
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.progress import Progress

from headrace.backtesting.in_one_batch import in_one_batch, is_installed
from headrace.backtesting.picture import picture
from headrace.backtesting.protocol import PUBLISHED, TRAIN_FROM, Measured, Protocol
from headrace.backtesting.record import Record, run
from headrace.backtesting.recording import Recording
from headrace.commands.console import errors, print_json, print_table, progress
from headrace.contracts.location import shipped
from headrace.contracts.schemas import field_names
from headrace.errors import HeadraceError
from headrace.learning.domain import is_drawn
from headrace.scoring.settings import ScoringSettings
from headrace.usecase.charter import Charter


def backtest(
    *,
    file: Annotated[Path, Parameter(name="--from")],
    mapping: Path | None = None,
    charter: Path | None = None,
    limit: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    train_from: date = TRAIN_FROM,
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
    mapping
        Its columns, and which of them says what an event really was. Default: the Fraud Detection
        Handbook's.
    charter
        The use case, in stage shadow. Default: card-fraud-fdh.
    limit
        Only so many rows of the file.
    train_from
        First day of the handbook's protocol: a week to train on, a week until its labels are known,
        and the week that is measured.
    decisions_out
        A .parquet file for event_id and score of each decision.
    json
        Print the result as JSON.
    """
    if decisions_out is not None:
        _require_writable(decisions_out)
    pictures = _pictures()
    deploy = shipped("deploy")
    case = Charter.load(charter or deploy / "charters" / "card-fraud-fdh.toml", field_names)
    recording = Recording(file, mapping or deploy / "mappings" / "fdh.toml", case, limit)
    began = time.monotonic()
    record, protocol = _decided(case, recording, train_from)
    took_s = time.monotonic() - began
    if decisions_out is not None:
        _write(record, decisions_out)
    measured = _measured(case, record, protocol)
    drawn = pictures / f"{time.strftime('%Y%m%d-%H%M%S')}.svg"
    drawn.write_text(picture(record, protocol.rows))
    summary = {
        "charter": f"{case.name} {case.version}",
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
                "learned": record.learned,
                "picture": str(drawn),
                "versions": record.versions,
                "measured": found,
            }
        )
    else:
        print_table("Backtest", [summary])
        if measured:
            print_table(f"Test week, trained from {train_from}", list(_rows(measured)))
    progress(f"Written: {drawn}")


def _decided(case: Charter, recording: Recording, train_from: date) -> tuple[Record, Protocol]:
    share = case.learning.negatives_share if case.learning else 1.0
    week = Protocol.test_week_ms(train_from)

    def keep(event_id: str, is_positive: bool, time_ms: int) -> bool:
        return is_positive or is_drawn(event_id, share) or time_ms in week

    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task("deciding", total=recording.rows)
        record = run(case, recording, keep, lambda done: bar.advance(task, done))
    return record, Protocol(
        train_from, record.times_ms, record.keys, record.is_positive, record.is_decided
    )


def _measured(case: Charter, record: Record, protocol: Protocol) -> Mapping[str, Measured]:
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
        share = case.learning.negatives_share if case.learning else 1.0
        progress("Learning the same in one batch ...")
        batch = in_one_batch(record, protocol, share)
    else:
        progress("For models learned in one batch beside it: pip install 'headrace[backtest]'.")
    return {**ours, **batch, **PUBLISHED}


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
