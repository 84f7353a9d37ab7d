"""The truth about what was published: what no event says and no model may see."""

import csv
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from headrace.errors import HeadraceError
from headrace.simulator.kinds import KINDS, Kind
from headrace.simulator.population import AGE_BANDS
from headrace.simulator.purchases import HONEST, PATTERNS, PURCHASE, Purchases
from headrace.simulator.world import World

FORMATS = (".parquet", ".csv")
_PATTERN_NAMES = ("", *PATTERNS)
_AGE_BANDS = tuple(AGE_BANDS)


class Ledger:
    """One row for each purchase that was published, in the order of their numbers.

    Duplicates and conflicts of ids are no purchases and have no rows of their own. 34 bytes and
    a byte a purchase until it is written.
    """

    def __init__(self) -> None:
        self._days: list[Purchases] = []
        self._kinds = array("b")
        self._at_ms = array("q")
        self._world: World | None = None

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self._kinds)

    def add(self, world: World, day: Purchases) -> None:
        """Take over a day's purchases; each gets its row when it is noted."""
        self._world = world
        self._days.append(day)

    def note(self, kind: Kind, at_ms: int) -> None:
        """Say how the next purchase was published, and with which event time."""
        self._kinds.append(KINDS.index(kind))
        self._at_ms.append(at_ms)

    def columns(self) -> dict[str, Sequence[Any]]:
        """Return the rows as columns.

        ``event_id``, ``card_id``, ``merchant_id``; ``occurred_at_ms`` as the event says it, of
        broken ones as it should have; ``kind`` of the publication; ``fraudulent``; ``pattern`` of
        the fraud, empty where it is honest; ``age_band`` of the card's holder.
        """
        rows = len(self)
        purchases = np.concatenate([np.zeros(0, PURCHASE), *self._days])[:rows]
        card, codes = purchases["card"].tolist(), purchases["pattern"]
        name = "" if self._world is None else self._world.scenario.name
        bands = [] if self._world is None else self._world.population.age_band[purchases["card"]]
        return {
            "event_id": [f"{name}-e{number:06d}" for number in range(rows)],
            "card_id": [f"{name}-c{number:05d}" for number in card],
            "merchant_id": [f"{name}-m{number:05d}" for number in purchases["merchant"].tolist()],
            "occurred_at_ms": self._at_ms.tolist(),
            "kind": [KINDS[kind] for kind in self._kinds],
            "fraudulent": (codes != HONEST).tolist(),
            "pattern": [_PATTERN_NAMES[code] for code in codes.tolist()],
            "age_band": [_AGE_BANDS[band] for band in bands],
        }

    def write(self, path: Path) -> None:
        """Write the rows as Parquet or CSV, as the file's name ends.

        Raises
        ------
        HeadraceError
            The file cannot be written, or pyarrow is missing.
        """
        try:
            if path.suffix == ".csv":
                _write_csv(path, self.columns())
            else:
                _write_parquet(path, self.columns())
        except OSError as error:
            raise HeadraceError(
                f"cannot write {path}: {error.strerror}", fix="Name another file with --truth."
            ) from error


def require_format(path: Path) -> None:
    """Make sure that a ledger can be written to a file of this name.

    Raises
    ------
    HeadraceError
        Its name ends otherwise, its folder is missing, or pyarrow is.
    """
    if path.suffix not in FORMATS:
        raise HeadraceError(
            f"{path} is neither Parquet nor CSV", fix=f"Let its name end in {' or '.join(FORMATS)}."
        )
    if not path.absolute().parent.is_dir():
        raise HeadraceError(f"the folder of {path} is missing", fix="Make it first.")
    if path.suffix == ".parquet":
        _pyarrow()


def _write_csv(path: Path, columns: dict[str, Sequence[Any]]) -> None:
    rows: Iterator[tuple[Any, ...]] = zip(*columns.values(), strict=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def _write_parquet(path: Path, columns: dict[str, Sequence[Any]]) -> None:
    pyarrow, parquet = _pyarrow()
    parquet.write_table(pyarrow.table(columns), path)


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise HeadraceError(
            "writing Parquet needs pyarrow, which is not installed",
            fix="Install the extra: pip install 'headrace[parquet]'; or write a .csv.",
        ) from error
    return pa, parquet
