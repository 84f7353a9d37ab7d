"""A picture of evaluations: the measures over time, a line for each model."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from headrace.backtesting.charts import Chart, Line, drawn
from headrace.commands.comparison_lines import HEADINGS, day
from headrace.evaluating.comparison import Latest
from headrace.evaluating.evaluator import ALL, SERVED

_DRAWN: Final = (("average_precision", False), ("average_precision", True), ("roc_auc", False))
"""Measures between 0 and 1, and whether of final windows."""

Windows = Mapping[int, Mapping[str, Mapping[str, Any]]]
"""``EvaluationMade`` by the window's start and by model."""


def picture(latest: Latest, models: Sequence[str], is_wanted: Callable[[int], bool]) -> str:
    """Draw every window that a model has, by its day, as SVG.

    Parameters
    ----------
    is_wanted
        Of a window's start, in milliseconds since the epoch.
    """
    return drawn(list(_charts(latest, models, is_wanted)), broad=SERVED)


def _charts(
    latest: Latest, models: Sequence[str], is_wanted: Callable[[int], bool]
) -> Iterator[Chart]:
    for name, final in _DRAWN:
        windows = latest.windows(ALL, final=final, is_wanted=is_wanted)
        starts = list(windows)
        clock = "final windows" if final else f"known by {day(_known_at_ms(windows))}"
        yield Chart(
            f"{HEADINGS[name]} of each window, {clock}",
            {model: _line(windows, model, name) for model in models},
            (day(starts[0]), day(starts[-1])) if starts else ("", ""),
        )


def _known_at_ms(windows: Windows) -> int:
    times = (int(each["known_at_ms"]) for window in windows.values() for each in window.values())
    return max(times, default=0)


def _line(windows: Windows, model: str, measure: str) -> Line:
    """Return where windows stand between the first and the last, and a model's measure there."""
    starts = list(windows)
    at = [
        (start, window[model][measure])
        for start, window in windows.items()
        if model in window and window[model][measure] is not None
    ]
    across = [(start - starts[0]) / max(1, starts[-1] - starts[0]) for start, _ in at]
    return np.array(across), np.array([value for _, value in at])
