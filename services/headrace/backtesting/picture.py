"""A picture of a backtest: precision and recall of each model, and precision over time."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from headrace.backtesting.charts import Chart, Line, drawn
from headrace.backtesting.record import Record
from headrace.backtesting.replay import SERVED
from headrace.evaluating.exact import average_precision, precision_recall

_POINTS: Final = 400


def picture(record: Record, rows: NDArray[np.intp]) -> str:
    """Draw a backtest as SVG.

    Parameters
    ----------
    record
        What was decided.
    rows
        The events of which precision and recall are drawn.
    """
    curves = {
        name: _curve(record.is_positive[rows], scores[rows])
        for name, scores in record.scores.items()
        if len(rows) and not np.isnan(scores[rows]).any()
    }
    over_time = {name: _by_day(record, scores) for name, scores in record.scores.items()}
    return drawn(
        [
            Chart("Precision (up) against recall, test week", curves, ("0", "1")),
            Chart("Average precision of each day", over_time, _first_and_last(record.days)),
        ],
        broad=SERVED,
    )


def _curve(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> Line:
    precision, recall = precision_recall(positive, scores)
    evenly = np.searchsorted(recall, np.linspace(0.0, 1.0, _POINTS))
    some = np.unique(np.minimum(evenly, len(recall) - 1))
    return recall[some], precision[some]


def _by_day(record: Record, scores: NDArray[np.float64]) -> Line:
    """Return where a day stands between the first and the last, and its average precision."""
    days = record.days
    first, last = (int(days.min()), int(days.max())) if len(days) else (0, 0)
    at, found = list[float](), list[float]()
    for day in np.unique(days):
        rows = np.flatnonzero((days == day) & record.is_known & ~np.isnan(scores))
        if record.is_positive[rows].any():
            at.append((int(day) - first) / max(1, last - first))
            found.append(average_precision(record.is_positive[rows], scores[rows]))
    return np.array(at), np.array(found)


def _first_and_last(days: NDArray[np.int64]) -> tuple[str, str]:
    if not len(days):
        return "", ""
    return str(np.datetime64(int(days.min()), "D")), str(np.datetime64(int(days.max()), "D"))
