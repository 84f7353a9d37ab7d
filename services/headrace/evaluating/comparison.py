"""Models side by side: over the windows that all of them have, by one of the two clocks."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

Record = Mapping[str, Any]
"""An ``EvaluationMade``."""

MEASURES: Final = (
    "average_precision",
    "roc_auc",
    "log_loss",
    "precision_at_capacity",
    "calibration_error",
)


class Compared(NamedTuple):
    """A model's numbers over the windows of a comparison."""

    model: str
    version: str
    """The latest; earlier ones may have scored events of the windows."""
    positives: int
    negatives: int
    censored: int
    measures: Mapping[str, float | None]
    """Weighted means, by name; None where no window has it of all models."""
    saved_minor: int | None
    """What deciding was worth; of ``SERVED`` only."""
    currency: str | None


class Comparison(NamedTuple):
    """Models over the same windows."""

    label_source: str
    final: bool
    """Of windows of which all is known; else as far as it is known by now."""
    starts_ms: Sequence[int]
    """Of the windows, which all of the models have, in their order."""
    left_out: int
    """Windows that some of the models have, and not all."""
    known_at_ms: int
    """The latest watermark of any of the numbers."""
    models: Sequence[Compared]


class Latest:
    """The latest evaluation of each model, source of labels and window, by each clock."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], dict[str, Record]] = {}
        self._final: dict[tuple[str, int], dict[str, Record]] = {}
        self.end_ms = 0
        """Of the latest window."""

    def take(self, record: Record) -> None:
        """Take an evaluation in the place of the one before."""
        place = record["label_source"], record["window_start_ms"]
        for clock in (self._known, self._final) if record["final"] else (self._known,):
            clock.setdefault(place, {})[record["model"]] = record
        self.end_ms = max(self.end_ms, record["window_end_ms"])

    @property
    def models(self) -> list[str]:
        """Whoever was evaluated, in the order of names."""
        return sorted({model for window in self._known.values() for model in window})

    @property
    def sources(self) -> list[str]:
        """By whose word, in the order of names."""
        return sorted({source for source, _ in self._known})

    def windows(
        self, source: str, *, final: bool, is_wanted: Callable[[int], bool] = lambda _: True
    ) -> dict[int, Mapping[str, Record]]:
        """Return the evaluations of each window by model, in the order of the windows' starts.

        Parameters
        ----------
        is_wanted
            Of a window's start, in milliseconds since the epoch.
        """
        clock = self._final if final else self._known
        starts = sorted(start for of, start in clock if of == source and is_wanted(start))
        return {start: clock[source, start] for start in starts}


def compared(
    windows: Mapping[int, Mapping[str, Record]],
    models: Collection[str],
    source: str,
    *,
    final: bool,
) -> Comparison:
    """Compare models over the windows that all of them have.

    A measure of several windows cannot be had from those of each: two days' rankings say nothing of
    how a score of the one stands to a score of the other. So it is the mean over the windows of
    which all models have it. A window counts by its known outcomes, and for all models the same:
    by those of whichever model has fewest.

    Parameters
    ----------
    windows
        By start, the evaluations by model.
    """
    some = {
        start: {model: window[model] for model in models if model in window}
        for start, window in windows.items()
    }
    common = {start: window for start, window in some.items() if len(window) == len(models)}
    held = [each for window in common.values() for each in window.values()]
    means = {name: _means(list(common.values()), models, name) for name in MEASURES}
    return Comparison(
        source,
        final,
        list(common),
        sum(map(bool, some.values())) - len(common),
        max((each["known_at_ms"] for each in held), default=0),
        [
            _summed(
                [window[model] for window in common.values()],
                {name: of[model] for name, of in means.items()},
            )
            for model in models
            if common
        ],
    )


def _means(
    windows: Sequence[Mapping[str, Record]], models: Collection[str], name: str
) -> dict[str, float | None]:
    """Return the weighted mean of a measure, by model."""
    measured = [
        window for window in windows if all(each[name] is not None for each in window.values())
    ]
    weights = [
        min(each["positives"] + each["negatives"] for each in window.values())
        for window in measured
    ]
    total = sum(weights)
    return {
        model: sum(
            weight * window[model][name] for weight, window in zip(weights, measured, strict=True)
        )
        / total
        if total
        else None
        for model in models
    }


def _summed(records: Sequence[Record], measures: Mapping[str, float | None]) -> Compared:
    latest = max(records, key=lambda each: int(each["outcomes"]))
    currency = next((each["currency"] for each in records if each["currency"]), None)
    saved = [each["saved_minor"] for each in records if each["currency"]]
    return Compared(
        latest["model"],
        latest["model_version"],
        sum(each["positives"] for each in records),
        sum(each["negatives"] for each in records),
        sum(each["censored"] for each in records),
        measures,
        sum(saved) if saved else None,
        currency,
    )
