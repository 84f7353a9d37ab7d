"""How many records of many pieces have something, counted at once."""

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from headrace.contracts.records import Count

Flags = NDArray[np.bool_]
"""(n,): of each record, whether it has something."""
V = TypeVar("V", bound=Hashable)


def counts(flags: Mapping[str, Flags], pieces: Sequence[slice]) -> list[list[Count]]:
    """Return the counts of each piece by name; what none of its records has is left out.

    Parameters
    ----------
    flags
        Of the same n records, by what they have.
    pieces
        Neighbours: the n rows, in their order.
    """
    names = sorted(flags)
    matrix = np.column_stack([flags[name] for name in names])
    starts = [each.start for each in pieces]
    amounts = np.add.reduceat(matrix, starts, axis=0, dtype=np.int64).tolist()
    return [
        [
            Count(name=name, records=amount)
            for name, amount in zip(names, row, strict=True)
            if amount
        ]
        for row in amounts
    ]


def flags_of_each(values: Sequence[V | None]) -> dict[V, Flags]:
    """Return for each value which records have it; None is none."""
    numbers = {value: number for number, value in enumerate(dict.fromkeys(values))}
    column = np.array([numbers[value] for value in values])
    return {value: column == number for value, number in numbers.items() if value is not None}
