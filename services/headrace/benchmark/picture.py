"""A picture of the result: throughput as bars, latency as bars on a logarithmic scale."""

from collections.abc import Mapping, Sequence
from html import escape
from math import log10
from typing import Final, NamedTuple

from headrace.benchmark.results import Results, Spread

_WIDTH: Final = 860
_LEFT: Final = 150
_ROOM: Final = 560
_BAR: Final = 16
_ROW: Final = 22
_COLOURS: Final = {"headrace": "#0b6e4f", "echo": "#8d99ae", "quix": "#d17a22", "faust": "#7b4b94"}
_LEAST_MS: Final = 1.0


class _Bar(NamedTuple):
    name: str
    label: str
    share: float
    """Of the room, 0 to 1."""
    to_share: float
    """Where a thin line beyond the bar ends."""
    words: str


def picture(results: Results) -> str:
    """Draw a result as SVG."""
    parts, y = list[str](), 28
    for title, bars in _charts(results):
        parts.append(_text(20, y, title, "bold"))
        y += 14
        for bar in bars:
            parts += _drawn(bar, y)
            y += _ROW
        y += 30
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y}" width="{_WIDTH}"'
        f' height="{y}" font-family="sans-serif" font-size="13">\n'
        f'<rect width="{_WIDTH}" height="{y}" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _charts(results: Results) -> Sequence[tuple[str, Sequence[_Bar]]]:
    charts = [
        ("Events a second, one process each (median; the line: the best round)", _per_s(results))
    ]
    for rate in results.rates():
        title = f"Latency at {rate:,} events/s in ms, logarithmic (bar: p50; the line: p99)"
        found = {str(name): results.latencies(name, rate) for name in results.latency}
        charts.append((title, _latencies(found)))
    if results.swaps:
        title = "Latency of headrace in ms, its models swapped meanwhile or not"
        charts.append((title, _latencies(results.swapped())))
    return charts


def _per_s(results: Results) -> list[_Bar]:
    per_s = results.per_s()
    most = max((spread.most for spread in per_s.values()), default=1.0)
    return [
        _Bar(name, name, spread.median / most, spread.most / most, f"{spread.median:,.0f}")
        for name, spread in sorted(per_s.items(), key=lambda each: -each[1].median)
    ]


def _latencies(found: Mapping[str, Mapping[str, Spread]]) -> list[_Bar]:
    known = {name: parts for name, parts in found.items() if parts}
    most_ms = max((parts["p99_ms"].median for parts in known.values()), default=10.0)

    def share(spread: Spread) -> float:
        return max(0.0, log10(max(_LEAST_MS, spread.median)) / log10(max(10.0, most_ms)))

    return [
        _Bar(
            name,
            name,
            share(parts["p50_ms"]),
            share(parts["p99_ms"]),
            f"{parts['p50_ms'].median:.1f} / {parts['p99_ms'].median:.1f}",
        )
        for name, parts in known.items()
    ]


def _drawn(bar: _Bar, y: int) -> list[str]:
    colour = _COLOURS.get(bar.name, "#444444")
    width, to = _ROOM * bar.share, _LEFT + _ROOM * bar.to_share
    middle = y + _BAR / 2
    size = f'width="{max(1.0, width):.1f}" height="{_BAR}"'
    ends = f'x1="{_LEFT + width:.1f}" x2="{to:.1f}" y1="{middle}" y2="{middle}"'
    return [
        _text(20, y + 13, bar.label),
        f'<rect x="{_LEFT}" y="{y}" {size} fill="{colour}"/>',
        f'<line {ends} stroke="{colour}" stroke-width="3"/>',
        _text(max(_LEFT + width, to) + 8, y + 13, bar.words),
    ]


def _text(x: float, y: float, words: str, weight: str = "normal") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-weight="{weight}">{escape(words)}</text>'
