"""Whether the champion that learns is to serve: by what it would have done, and what was done."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from headrace.evaluating.counts import Counts, nothing
from headrace.evaluating.evaluator import ALL, SERVED, Evaluation
from headrace.evaluating.measures import measure

CHAMPION: Final = "champion"
LEAST: Final = 20
"""Positives, and negatives, without which no ranking is believed."""


def is_pinned(serving: Mapping[str, Any] | None, service: str) -> bool:
    """Tell whether a person has said who serves: then no service says otherwise."""
    return serving is not None and serving["by"] != service


def why_not(evaluations: Iterable[Evaluation], champion: str) -> str:
    """Return why the champion is not to serve yet; empty where it is.

    It has scored each outcome before it learned from it, so the comparison with what decided is a
    fair one: by average precision over all that is known of the windows that are not final.
    """
    counts: dict[str, Counts] = {champion: nothing(), SERVED: nothing()}
    for each in evaluations:
        if each.label_source == ALL and each.model in counts:
            counts[each.model] += each.counts
    mine, served = counts[champion], counts[SERVED]
    if min(mine.positives, mine.negatives) < LEAST:
        return f"only {mine.positives} positives and {mine.negatives} negatives are known"
    own, its = (measure(each, None).average_precision or 0.0 for each in (mine, served))
    if own < its:
        return f"its average precision is {own:.3f}, and {its:.3f} that of what serves"
    return ""
