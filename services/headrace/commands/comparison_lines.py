"""Comparisons of models as tables, and as JSON."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any, Final

from headrace.commands.console import print_line, print_table
from headrace.evaluating.comparison import MEASURES, Compared, Comparison
from headrace.evaluating.evaluator import ALL, DAY_MS
from headrace.explaining.words import timestamp
from headrace.usecase.charter import Charter
from headrace.usecase.money import in_words

HEADINGS: Final = {
    "average_precision": "average precision",
    "roc_auc": "ROC AUC",
    "log_loss": "log loss",
    "precision_at_capacity": "precision at capacity",
    "calibration_error": "calibration error",
}
assert set(HEADINGS) == set(MEASURES)  # noqa: S101 -- each that is compared


def print_comparisons(charter: Charter, source: str, found: Sequence[Comparison]) -> None:
    """Print models by the word of a source of labels, a row for each clock.

    Parameters
    ----------
    found
        As far as is known by now, and the final numbers where there are any.
    """
    if not found:
        return
    known = found[0]
    print_table(f"{charter.name}, {_by_whom(source)}", list(_rows(found)))
    print_line(_over(known))
    if known.left_out:
        print_line(f"{known.left_out:,} windows are left out: not all of these models have them.")
    if len(found) == 1:
        wait = charter.labels.longest_horizon_ms + charter.events.lateness_ms
        print_line(
            f"None of them is final: that takes {wait // DAY_MS:,} days from a window's end."
        )
    elif len(found[1].starts_ms) < len(known.starts_ms):
        print_line("The final numbers are of fewer windows.")


def _by_whom(source: str) -> str:
    return "all labels" if source == ALL else f"labels of {source}"


def _over(known: Comparison) -> str:
    """Say what the numbers are of."""
    days = [day(each) for each in known.starts_ms]
    if len(days) == 1:
        return f"Of the window of {days[0]}."
    return (
        f"Means over the windows from {days[0]} to {days[-1]} that all of them have, weighted by "
        "known outcomes; counts and money are sums. A mean of windows' average precisions or ROC "
        "AUCs is not that of all their events ranked together."
    )


def _rows(found: Sequence[Comparison]) -> Iterator[dict[str, object]]:
    """Yield a row for each number and model, the clocks side by side."""
    clocks = {_clock(each): each for each in found}
    yield {
        "": "windows",
        "model": "",
        **{name: len(each.starts_ms) for name, each in clocks.items()},
    }
    for heading, number in _NUMBERS.items():
        for place, model in enumerate(found[0].models):
            row = {name: number(each.models[place]) for name, each in clocks.items()}
            if any(cell != "" for cell in row.values()):
                yield {"": heading, "model": model.model, **row}


def _clock(comparison: Comparison) -> str:
    return "final" if comparison.final else f"known by {day(comparison.known_at_ms)}"


def _measured(model: Compared, name: str) -> str:
    value = model.measures[name]
    return "" if value is None else f"{value:.4f}"


def _saved(model: Compared) -> str:
    saved, currency = model.saved_minor, model.currency
    return "" if saved is None or currency is None else in_words(saved, currency)


_NUMBERS: Final[Mapping[str, Callable[[Compared], object]]] = {
    **{heading: partial(_measured, name=name) for name, heading in HEADINGS.items()},
    "positives": attrgetter("positives"),
    "negatives": attrgetter("negatives"),
    "censored": attrgetter("censored"),
    "saved": _saved,
}
"""By what they are called, what is said of a model."""


def described(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as JSON has it."""
    return {
        "label_source": comparison.label_source,
        "clock": "final" if comparison.final else "known",
        "known_at_ms": comparison.known_at_ms,
        "window_starts_ms": list(comparison.starts_ms),
        "windows_left_out": comparison.left_out,
        "measures_are": "means over the windows, weighted by known outcomes",
        "models": [
            {key: each for key, each in model._asdict().items() if key != "measures"}
            | dict(model.measures)
            for model in comparison.models
        ],
    }


def day(time_ms: int) -> str:
    """Return a time's day, in UTC."""
    return timestamp(time_ms)[:10]
