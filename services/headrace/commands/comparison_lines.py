"""Comparisons of models as tables, and as JSON."""

from collections.abc import Sequence
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
    known, models = found[0], range(len(found[0].models))
    rows = [_row(each, each.models[number]) for number in models for each in found]
    print_table(f"{charter.name}, {_by_whom(source)}: {_over(known)}", rows)
    if known.left_out:
        print_line(f"{known.left_out:,} windows are left out: not all of these models have them.")
    if len(found) == 1:
        wait = charter.labels.longest_horizon_ms + charter.events.lateness_ms
        print_line(
            f"None of them is final: that takes {wait // DAY_MS:,} days from a window's end."
        )


def _by_whom(source: str) -> str:
    return "all labels" if source == ALL else f"labels of {source}"


def _over(known: Comparison) -> str:
    """Say what the numbers are of."""
    days = [day(each) for each in known.starts_ms]
    if len(days) == 1:
        return f"the window of {days[0]}"
    return (
        f"mean over the windows that all have, weighted by known outcomes; {days[0]} to {days[-1]}"
    )


def _row(comparison: Comparison, model: Compared) -> dict[str, object]:
    saved, currency = model.saved_minor, model.currency
    return {
        "model": model.model,
        "clock": "final" if comparison.final else f"known by {day(comparison.known_at_ms)}",
        "windows": len(comparison.starts_ms),
        "positives": model.positives,
        "negatives": model.negatives,
        **{HEADINGS[name]: _number(value) for name, value in model.measures.items()},
        "saved": "" if saved is None or currency is None else in_words(saved, currency),
    }


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


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
