"""Columns of a recorded data set to the values of an event's field; a bad cell names its row."""

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from headrace.simulator.mapping import Conversion

Array: TypeAlias = Any
"""A pyarrow.Array: pyarrow ships no types."""

LARGEST = 2.0**43
"""Of an amount in major units: up to here a double tells neighbouring cents well apart."""


def cents(amount: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return amounts in hundredths, exactly: of the shortest decimal that is the number.

    ``0.29 * 100`` is 28.999999999999996, so a product is only trusted where it is far from a tie;
    the others are rounded as decimals, half to even.

    Parameters
    ----------
    amount
        Major units, shape (n,), finite, smaller than :data:`LARGEST`.
    """
    product = amount * 100.0
    nearest = np.rint(product)
    rounded = nearest.astype(np.int64)
    for row in np.flatnonzero(np.abs(product - nearest) > 0.25):
        exact = Decimal(repr(float(amount[row])))
        rounded[row] = int((exact * 100).to_integral_value(ROUND_HALF_EVEN))
    return rounded


def _cents(array: Array) -> list[Any]:
    amount = array.to_numpy(zero_copy_only=False)
    bad = ~(np.abs(amount) < LARGEST)
    if bad.any():
        row = int(np.argmax(bad))
        raise BadCellError(row, f"holds {amount[row]}, which is not an amount of money")
    return list(cents(amount).tolist())


def _text(array: Array) -> list[Any]:
    import pyarrow as pa

    texts: list[Any] = array.cast(pa.string()).to_pylist()
    return texts


def _utc_ms(array: Array) -> list[Any]:
    import pyarrow as pa

    # Finer parts of a second are cut off.
    milliseconds = array.cast(pa.timestamp("ms", tz=array.type.tz), safe=False)
    since_epoch: list[Any] = milliseconds.cast(pa.int64()).to_pylist()
    return since_epoch


CONVERT: Mapping[Conversion, Callable[[Array], list[Any]]] = {
    "cents": _cents,
    "text": _text,
    "utc_ms": _utc_ms,
}
EXPECTED: Mapping[Conversion, str] = {
    "cents": "double",
    "text": "integers or strings",
    "utc_ms": "timestamps",
}


class BadCellError(Exception):
    """A cell without a value for the event; ``row`` counts from 0 within the batch."""

    def __init__(self, row: int, problem: str) -> None:
        super().__init__(problem)
        self.row = row
        self.problem = problem


def fits(conversion: Conversion, arrow_type: Any) -> bool:
    """Say whether columns of a type can be converted so."""
    from pyarrow import types

    tests: Mapping[Conversion, bool] = {
        "cents": types.is_float64(arrow_type),
        "text": any(
            test(arrow_type) for test in (types.is_integer, types.is_string, types.is_large_string)
        ),
        "utc_ms": types.is_timestamp(arrow_type),
    }
    return tests[conversion]


def convert(conversion: Conversion, array: Array) -> list[Any]:
    """Return the values of a column, one for each row.

    Raises
    ------
    BadCellError
        The first row that has no value, or an impossible one.
    """
    if array.null_count:
        raise BadCellError(array.is_null().to_pylist().index(True), "is null")
    return CONVERT[conversion](array)
