"""Recorded transactions from a Parquet file, as events, batch by batch."""

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Dictionary
from pathlib import Path
from typing import Any, TypeAlias

from headrace.errors import HeadraceError
from headrace.simulator.columns import EXPECTED, BadCellError, convert, fits
from headrace.simulator.kinds import Publication
from headrace.simulator.malformed import Encode
from headrace.simulator.mapping import Mapping

Batch: TypeAlias = Any
"""A pyarrow.RecordBatch: pyarrow ships no types."""

_BATCH_ROWS = 8_192


class Recorded:
    """The rows of a Parquet file, in its order, as events; memory holds one batch of them.

    Parameters
    ----------
    path
        The file.
    mapping
        Its columns to the event's fields.
    limit
        At most so many rows; None is all of them.

    Raises
    ------
    HeadraceError
        pyarrow is missing; the file is none, lacks a column or holds another type in it.
    """

    def __init__(self, path: Path, mapping: Mapping, limit: int | None = None) -> None:
        self._path = path
        self._mapping = mapping
        self._file = _open(path)
        _check(path, mapping, self._file.schema_arrow)
        rows: int = self._file.metadata.num_rows
        self.rows = rows if limit is None else min(limit, rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield an event for each row.

        Raises
        ------
        HeadraceError
            A row without a proper value; names the row and the column.
        """
        sources = list(dict.fromkeys(column.source for column in self._mapping.columns.values()))
        done = 0
        for batch in self._file.iter_batches(batch_size=_BATCH_ROWS, columns=sources):
            if done >= self.rows:
                return
            wanted = batch.slice(0, self.rows - done)
            yield from self._events(wanted, done)
            done += len(wanted)

    def _events(self, batch: Batch, first_row: int) -> Iterator[dict[str, Any]]:
        columns = []
        for column in self._mapping.columns.values():
            try:
                columns.append(convert(column.conversion, batch.column(column.source)))
            except BadCellError as bad:
                row = first_row + bad.row + 1
                raise HeadraceError(
                    f"row {row} of {self._path}: {column.source} {bad.problem}",
                    fix="Mend the row or leave it out; its batch was not published.",
                ) from bad
        names, fixed = tuple(self._mapping.columns), self._mapping.fixed
        for values in zip(*columns, strict=True):
            yield {**fixed, **dict(zip(names, values, strict=True))}


def publications(
    events: Iterable[Dictionary[str, Any]], key_field: str, encode: Encode
) -> Iterator[Publication]:
    """Encode events; the field ``key_field`` of each becomes its record's key."""
    for event in events:
        yield Publication(event[key_field], encode(event), "ordinary")


def _open(path: Path) -> Any:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise HeadraceError(
            "reading Parquet needs pyarrow, which is not installed",
            fix="Install the extra: pip install 'headrace[parquet]'.",
        ) from error
    try:
        return parquet.ParquetFile(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise HeadraceError(
            f"cannot read {path} as Parquet: {error}", fix="Give a Parquet file with --from."
        ) from error


def _check(path: Path, mapping: Mapping, schema: Any) -> None:
    problems = []
    for name, column in mapping.columns.items():
        if column.source not in schema.names:
            problems.append(f"it has no column {column.source}, which {name} comes from")
        elif not fits(column.conversion, found := schema.field(column.source).type):
            expected = EXPECTED[column.conversion]
            problems.append(f"{column.source} holds {found}; for {name} we expect {expected}")
    if problems:
        raise HeadraceError(
            f"{path} does not fit its mapping: {'; '.join(problems)}",
            fix=f"Give the file's own mapping with --mapping; it has {', '.join(schema.names)}.",
        )
