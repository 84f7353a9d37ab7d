"""Charts as SVG: lines within 0 to 1 both ways, one chart below the other."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

_WIDTH: Final = 1_000
_HEIGHT: Final = 300
_LEFT: Final = 60
_TOP: Final = 40
_ROOM: Final = 600
_BELOW: Final = 40
_COLOURS: Final = (
    "#0b6e4f",
    "#d17a22",
    "#7b4b94",
    "#3a6ea5",
    "#8d99ae",
    "#b23a48",
    "#333333",
    "#d57ab0",
)
_NOTHING: Final = "nothing to show yet"

Line = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Across and up, (n,) each."""


class Chart(NamedTuple):
    """Lines that share their axes."""

    title: str
    lines: Mapping[str, Line]
    """By what each is called."""
    ends: tuple[str, str]
    """What stands below, at the left and at the right."""


def drawn(charts: Sequence[Chart], broad: str) -> str:
    """Return charts as a document.

    Parameters
    ----------
    broad
        The line that is drawn broad and pale, so that others on it are seen.
    """
    height = len(charts) * (_HEIGHT + _TOP + _BELOW)
    parts = [
        part
        for number, chart in enumerate(charts)
        for part in _drawn(chart, broad, number * (_HEIGHT + _TOP + _BELOW))
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" font-family="sans-serif" font-size="13">\n'
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _drawn(chart: Chart, broad: str, y: int) -> list[str]:
    title, lines, ends = chart
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
    if not any(len(across) for across, _ in lines.values()):
        parts.append(_text(_LEFT + _ROOM / 2, bottom - _HEIGHT / 2 - 8, _NOTHING, anchor="middle"))
    for number, (name, (across, up)) in enumerate(lines.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        points = " ".join(
            f"{_LEFT + x * _ROOM:.1f},{bottom - value * _HEIGHT:.1f}"
            for x, value in zip(across.tolist(), up.tolist(), strict=True)
        )
        width, opacity = (6, 0.4) if name == broad else (2, 1)
        look = f'stroke-width="{width}" stroke-opacity="{opacity}"'
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" {look}/>')
        parts.append(
            f'<rect x="{_LEFT + _ROOM + 20}" y="{top + number * 22}" width="12" height="12" '
            f'fill="{colour}" fill-opacity="{opacity}"/>'
        )
        parts.append(_text(_LEFT + _ROOM + 40, top + number * 22 + 11, name))
    return parts


def _text(x: float, y: float, words: str, weight: str = "normal", anchor: str = "start") -> str:
    look = f'font-weight="{weight}" text-anchor="{anchor}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {look}>{escape(words)}</text>'
