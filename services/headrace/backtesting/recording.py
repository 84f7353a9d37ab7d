"""Recorded events with what they really were, from a Parquet file."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headrace.backtesting.labels import OneSource
from headrace.backtesting.replay import Event
from headrace.contracts.schemas import load_schema
from headrace.errors import HeadraceError
from headrace.simulator.mapping import Mapping
from headrace.simulator.recorded import Recorded
from headrace.usecase.charter import Charter


class Recording:
    """A file of recorded events.

    Parameters
    ----------
    path, mapping
        The file, and the mapping of its columns.
    charter
        Whose events they become.
    limit
        At most so many rows; None is all of them.

    Raises
    ------
    HeadraceError
        The file or the mapping does not fit, or the mapping names no label.
    """

    known_until_ms = 0
    """It says itself what its events were: nothing is waited for."""

    def __init__(self, path: Path, mapping: Path, charter: Charter, limit: int | None) -> None:
        self._labels, self._time = charter.labels, charter.events.time
        columns = Mapping.load(mapping, load_schema(charter.events.schema))
        if columns.label is None:
            raise HeadraceError(
                f"The mapping {mapping} does not say which column holds what an event really was.",
                fix='Add [label] with from = "COLUMN".',
            )
        self._recorded = Recorded(path, columns, limit)
        self.rows = self._recorded.rows
        self._is_positive: list[bool] = _labels(path, columns.label)[: self.rows].tolist()

    def __iter__(self) -> Iterator[Event]:
        """Yield the events in the file's order.

        Raises
        ------
        HeadraceError
            The file is damaged, a row has no proper value, or the charter has several sources of
            labels.
        """
        told = OneSource(self._labels)
        try:
            for record, is_positive in zip(self._recorded, self._is_positive, strict=True):
                labels = told.labels_of(record[self._time], is_positive=is_positive)
                yield Event(record, labels, is_positive)
        except OSError as error:
            raise HeadraceError(f"The recording is damaged: {error}.") from None


def _labels(path: Path, column: str) -> NDArray[np.bool_]:
    from pyarrow import ArrowInvalid, ArrowNotImplementedError, float64, parquet

    try:
        found = parquet.read_table(path, columns=[column]).column(0)
        labels = found.cast(float64()).to_numpy(zero_copy_only=False)
    except (ArrowInvalid, ArrowNotImplementedError, IndexError, OSError) as error:
        raise HeadraceError(
            f"{path} has no label in {column}: {error}",
            fix="Name a column of numbers, 0 where an event is negative, under [label].",
        ) from None
    if missing := int(np.isnan(labels).sum()):  # null is NaN here
        raise HeadraceError(
            f"{path} has {missing} rows without a label in {column}.",
            fix="Leave out the rows of which it is not known what they were.",
        )
    is_positive: NDArray[np.bool_] = labels != 0
    return is_positive
