"""A picture: what share of the drifts was noticed by when."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from headrace.backtesting.charts import Chart, Line, drawn
from headrace.benchmark.drifts.results import MOST_OUTCOMES, MOST_POSITIVES, Results
from headrace.benchmark.drifts.watched import DRIFTS, OF_OUTCOMES

_BEYOND: Final = 3
"""Times what is good enough, to where is drawn."""
_ALL: Final = "all"


def picture(results: Results) -> str:
    """Draw a result as SVG."""
    return drawn(list(_charts(results)), broad=_ALL)


def _charts(results: Results) -> Iterator[Chart]:
    for pace, enough in MOST_OUTCOMES.items():
        runs = [each for each in results.streams if each.pace == pace]
        took = {_ALL: [each.outcomes for each in runs]}
        for stream in dict.fromkeys(each.stream for each in runs):
            took[stream] = [each.outcomes for each in runs if each.stream == stream]
        yield _chart(f"Noticed within so many outcomes: {pace}", took, _BEYOND * enough)
    took = {
        drift: [
            None if (first := world.first(OF_OUTCOMES)) is None else first.positives
            for world in results.worlds
            if world.drift == drift
        ]
        for drift, drifting in DRIFTS.items()
        if drifting.kind == "concept"
    }
    yield _chart("Noticed within so many positives: card fraud", took, _BEYOND * MOST_POSITIVES)
    for compared in results.compared():
        of_each = {each.detector: list(each.delays) for each in compared.chosen}
        values = max(MOST_OUTCOMES.values()) if "outcomes" in compared.of else MOST_POSITIVES
        yield _chart(f"Detectors on the loss of {compared.of}: values", of_each, _BEYOND * values)


def _chart(title: str, took: Mapping[str, Sequence[int | None]], until: int) -> Chart:
    lines = {name: _line(each, until) for name, each in took.items() if each}
    return Chart(title, lines, ("0", f"{until:,}"))


def _line(took: Sequence[int | None], until: int) -> Line:
    """Return the share that was noticed, as a staircase up to ``until``."""
    at = np.array(sorted(each for each in took if each is not None and each <= until), float)
    share = np.arange(1, len(at) + 1) / len(took)
    across = np.concatenate([[0.0], np.repeat(at, 2), [float(until)]]) / until
    up = np.concatenate([np.repeat(np.concatenate([[0.0], share]), 2)])
    return across, up
