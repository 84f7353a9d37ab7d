"""Outcomes of a use case, planted where labelling would put them, and models that learn them."""

import random
from collections.abc import Iterable
from typing import Any

from support.use_case import START_MS, UseCase

DAY = 86_400_000
LEARNING = """
[learning]
champion = "logistic"
freeze_every = 60

[learning.models.logistic]
family = "logistic"
parameters = { learning_rate = 0.05 }

[learning.models.bayes]
family = "gaussian-bayes"

[policy]
"""
"""In place of the line ``[policy]`` of a charter."""


def outcome(case: UseCase, number: int, value: bool | None = None, **others: Any) -> dict[str, Any]:
    """Return what an event turned out to be: positive where its first feature is large."""
    rnd = random.Random(number)
    vector = [rnd.gauss(0, 1) for _ in case.charter.feature_set.names]
    occurred_at_ms = START_MS + number * DAY // 40
    return {
        "decision_id": f"{case.name}.events:0:{number}",
        "event_id": f"event-{number}",
        "use_case": case.name,
        "key": f"card-{number % 7}",
        "occurred_at_ms": occurred_at_ms,
        "decided_at_ms": occurred_at_ms,
        "amount_minor": 1_000,
        "currency": "EUR",
        "charter_digest": case.charter.digest,
        "feature_set": case.charter.feature_set.digest,
        "features": vector,
        "model": "scorecard",
        "model_version": "1",
        "model_digest": bytes(32),
        "arm": "champion",
        "arm_probability": 1.0,
        "score": rnd.random(),
        "action": "approve",
        "expected_cost_minor": None,
        "stage": "shadow",
        "acted": False,
        "fallback": "",
        "value": vector[0] > 0.5 if value is None else value,
        "source": "analyst",
        "known_at_ms": occurred_at_ms + DAY,
        "delay_ms": DAY,
        "revision": 1,
        "replaces": None,
        **others,
    }


def publish(case: UseCase, outcomes: Iterable[dict[str, Any]]) -> None:
    """Write outcomes to their topic."""
    encode = case.encoder("outcomes")
    case.publish([(each["key"], encode(each)) for each in outcomes], "outcomes")
