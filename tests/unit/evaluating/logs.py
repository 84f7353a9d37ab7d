"""Logs of outcomes for the tests, and what naive code makes of them."""

import random
from collections.abc import Sequence

import numpy as np

from headrace.evaluating.evaluator import ALL, SERVED, Evaluator, KnownOutcome
from headrace.evaluating.exact import average_precision, roc_auc
from headrace.evaluating.levels import BIN_SCORES
from headrace.evaluating.money import Costs

DAY = 86_400_000
START = 20_000 * DAY
WAIT = 10 * DAY
CAPACITY = 3
MODELS = (SERVED, "forest")
SOURCES = ("analyst", "chargeback", "matured", "censored")


def evaluator() -> Evaluator:
    return Evaluator(MODELS, SOURCES, WAIT, CAPACITY)


def outcome(
    event: int = 0,
    value: bool | None = True,
    score: float = 0.5,
    day: int = 0,
    known_day: float = 1.0,
    source: str = "analyst",
    costs: Costs | None = None,
) -> KnownOutcome:
    """One outcome; both models gave the same score."""
    known_at = START + int(known_day * DAY)
    scores = dict.fromkeys(MODELS, score)
    occurred_at = START + day * DAY + 1_000
    return KnownOutcome(f"event-{event}", occurred_at, known_at, value, source, scores, costs)


def random_log(
    seed: int, size: int, events: int | None = None, days: int = 3, scores: str = "any"
) -> list[KnownOutcome]:
    """A log in the order in which outcomes became known; with fewer events, some are corrected.

    The scores are ``any``, or all stand in the ``middle`` of a bin.
    """
    rnd = random.Random(seed)
    when = sorted(rnd.uniform(days, days + 6) for _ in range(size))
    log = []
    for known_day in when:
        event = rnd.randrange(events or size)
        value = rnd.choices([True, False, None], [2, 5, 1])[0]
        costs = None if value is None else Costs(rnd.randrange(-50, 500), rnd.randrange(500))
        source = "censored" if value is None else rnd.choice(SOURCES[:3])
        it = outcome(event, value, 0.5, event % days, known_day, source, costs)
        given = {
            model: rnd.choice(BIN_SCORES.tolist()) if scores == "middle" else rnd.betavariate(1, 4)
            for model in MODELS
        }
        log.append(it._replace(scores=given))
    return log


def folded(log: Sequence[KnownOutcome]) -> Evaluator:
    it = evaluator()
    for each in log:
        it.take(each)
    return it


def figures(it: Evaluator) -> list[tuple]:
    """All that is known, but for how much of the log it took, and until when."""
    return [each._replace(outcomes=0, known_at_ms=0) for each in it.known()]


def latest(log: Sequence[KnownOutcome]) -> list[KnownOutcome]:
    """Of each event its latest outcome, with the scores of its first."""
    by_event: dict[str, KnownOutcome] = {}
    for each in log:
        first = by_event.get(each.event_id, each)
        by_event[each.event_id] = each._replace(scores=first.scores)
    return list(by_event.values())


def naive(log: Sequence[KnownOutcome], model: str, source: str, start: int) -> dict[str, float]:
    """The measures by sorting, of one window of a log."""
    known = [
        each
        for each in latest(log)
        if start <= each.occurred_at_ms < start + DAY
        and each.value is not None
        and source in (ALL, each.source)
    ]
    positive = np.array([each.value for each in known], bool)
    scores = np.array([each.scores[model] for each in known])
    given = np.where(positive, scores, 1 - scores)
    return {
        "known": len(known),
        "positives": int(positive.sum()),
        "log_loss": float(-np.log(given).mean()) if known else np.nan,
        "roc_auc": roc_auc(positive, scores),
        "average_precision": average_precision(positive, scores),
        "mean_score": float(scores.mean()) if known else np.nan,
        "cost": sum(each.costs.cost_minor for each in known if each.costs),
        "approving": sum(each.costs.approving_minor for each in known if each.costs),
    }
