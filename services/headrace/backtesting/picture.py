"""A picture of a backtest: precision and recall of each model, and precision over time."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headrace.backtesting.record import Record
from headrace.backtesting.replay import SERVED
from headrace.evaluating.exact import average_precision, precision_recall

_WIDTH: Final = 860
_HEIGHT: Final = 300
_LEFT: Final = 60
_TOP: Final = 40
_ROOM: Final = 600
_COLOURS: Final = ("#0b6e4f", "#d17a22", "#7b4b94", "#3a6ea5", "#8d99ae", "#b23a48")
_POINTS: Final = 400
Line = tuple[NDArray[np.float64], NDArray[np.float64]]


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
    charts = [
        ("Precision (up) against recall, test week", curves, ("0", "1")),
        ("Average precision of each day", over_time, _first_and_last(record.days)),
    ]
    height = len(charts) * (_HEIGHT + _TOP + 40)
    parts = [
        part
        for number, (title, lines, ends) in enumerate(charts)
        for part in _chart(title, lines, ends, number * (_HEIGHT + _TOP + 40))
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" font-family="sans-serif" font-size="13">\n'
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
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
        rows = np.flatnonzero((days == day) & ~np.isnan(scores))
        if record.is_positive[rows].any():
            at.append((int(day) - first) / max(1, last - first))
            found.append(average_precision(record.is_positive[rows], scores[rows]))
    return np.array(at), np.array(found)


def _first_and_last(days: NDArray[np.int64]) -> tuple[str, str]:
    if not len(days):
        return "", ""
    return str(np.datetime64(int(days.min()), "D")), str(np.datetime64(int(days.max()), "D"))


def _chart(title: str, lines: Mapping[str, Line], ends: Sequence[str], y: int) -> list[str]:
    """Draw lines within 0 to 1 both ways."""
    top, bottom = y + _TOP, y + _TOP + _HEIGHT
    parts = [_text(_LEFT, y + 24, title, "bold")]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        at = bottom - share * _HEIGHT
        parts.append(
            f'<line x1="{_LEFT}" x2="{_LEFT + _ROOM}" y1="{at:.1f}" y2="{at:.1f}" stroke="#ddd"/>'
        )
        parts.append(_text(20, at + 4, f"{share:.2f}"))
    parts += [
        _text(_LEFT, bottom + 18, ends[0]),
        _text(_LEFT + _ROOM, bottom + 18, ends[1], anchor="end"),
    ]
    for number, (name, (across, up)) in enumerate(lines.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        points = " ".join(
            f"{_LEFT + x * _ROOM:.1f},{bottom - value * _HEIGHT:.1f}"
            for x, value in zip(across.tolist(), up.tolist(), strict=True)
        )
        look = 'stroke-width="6" stroke-opacity="0.4"' if name == SERVED else 'stroke-width="2"'
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" {look}/>')
        parts.append(
            f'<rect x="{_LEFT + _ROOM + 20}" y="{top + number * 22}" width="12" height="12" '
            f'fill="{colour}"/>'
        )
        parts.append(_text(_LEFT + _ROOM + 40, top + number * 22 + 11, name))
    return parts


def _text(x: float, y: float, words: str, weight: str = "normal", anchor: str = "start") -> str:
    look = f'font-weight="{weight}" text-anchor="{anchor}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {look}>{escape(words)}</text>'
