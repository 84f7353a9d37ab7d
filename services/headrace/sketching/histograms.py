"""Histograms of many columns over many pieces, counted at once."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headrace.contracts.records import Histogram
from headrace.usecase.bins import NUMBERS, Binning

_SPAN: Final = 2 * NUMBERS.most + 1
"""Bins of a column; there are no more of any binning."""


def histograms(
    names: Sequence[str],
    matrix: NDArray[np.float64],
    scores: Mapping[str, NDArray[np.float64]],
    score_bins: Binning,
    pieces: Sequence[slice],
) -> list[list[Histogram]]:
    """Return the histograms of each piece: of the features, and of the scores.

    Parameters
    ----------
    names
        Of the k features.
    matrix
        (n, k) vectors. What is not finite is not counted, here and below; a column of which
        nothing is left has no histogram.
    scores
        (n,), by what they are called.
    score_bins
        How they are binned; features are as ``NUMBERS``.
    pieces
        Neighbours: the n rows, in their order.
    """
    columns = [*names, *scores]
    values = np.column_stack([matrix, *scores.values()])
    counted = np.isfinite(values)
    values = np.where(counted, values, 0.0)
    bins = NUMBERS.of(values)
    bins[:, len(names) :] = score_bins.of(values[:, len(names) :])
    starts = [each.start for each in pieces]
    sums = np.add.reduceat(values, starts, axis=0).tolist()
    owners = np.repeat(np.arange(len(pieces)), np.diff([*starts, len(values)]))
    lines = owners[:, None] * len(columns) + np.arange(len(columns))
    # One number for piece, column and bin, so that one sort counts them all.
    codes, counts = np.unique((lines * _SPAN + bins + NUMBERS.most)[counted], return_counts=True)
    bounds = np.searchsorted(codes, np.arange(len(pieces) * len(columns) + 1) * _SPAN).tolist()
    found = (codes % _SPAN - NUMBERS.most).tolist()
    amounts = counts.tolist()
    return [
        [
            Histogram(name=name, sum=total, bins=found[begin:end], counts=amounts[begin:end])
            for name, total, begin, end in zip(
                columns, totals, bounds[line:], bounds[line + 1 :], strict=False
            )
            if begin < end
        ]
        for line, totals in zip(range(0, len(bounds), len(columns)), sums, strict=False)
    ]
