"""The fold: outcomes in, models out."""

import random

import numpy as np
import pytest

from headrace.errors import HeadraceError
from headrace.learning.domain import Fold, Outcome, is_drawn
from headrace.usecase.learning import LearnedModel, Learning

FEATURES = ("amount", "count")
MODELS = {
    "logistic": LearnedModel(family="logistic", parameters={"learning_rate": 0.05}),
    "forest": LearnedModel(
        family="adaptive-forest", parameters={"trees": 2, "grace_period": 20, "seed": 3}
    ),
    "both": LearnedModel(mean_of={"logistic": 1.0, "forest": 3.0}),
}


def fold(share: float = 1.0, every: int = 100, **models: LearnedModel) -> Fold:
    declared = Learning(
        champion="logistic",
        negatives_share=share,
        freeze_every=every,
        models=models or MODELS,
    )
    return Fold(declared, FEATURES)


def outcomes(number: int, seed: int = 1) -> list[Outcome]:
    rnd = random.Random(seed)
    vectors = [(rnd.gauss(0, 1), rnd.gauss(0, 1)) for _ in range(number)]
    return [Outcome(f"event-{n}", v, v[0] + v[1] > 1) for n, v in enumerate(vectors)]


def arrays(frozen) -> dict:
    return {
        (model, name): array.tobytes()
        for model, each in frozen.items()
        for name, array in each.arrays.items()
    }


def test_the_same_outcomes_give_the_same_models() -> None:
    first, second = fold(), fold()
    for outcome in outcomes(300):
        first.take(outcome)
        second.take(outcome)
    assert arrays(first.freeze()) == arrays(second.freeze())
    assert first.digest() == second.digest()
    second.take(outcomes(301)[300])
    assert first.digest() != second.digest()


def test_to_freeze_changes_nothing_for_what_is_learned_after() -> None:
    first, second = fold(), fold()
    for outcome in outcomes(300):
        first.take(outcome)
        first.freeze()
        second.take(outcome)
    assert arrays(first.freeze()) == arrays(second.freeze())


def test_models_are_due_to_be_frozen_after_so_many_outcomes() -> None:
    it = fold(every=7)
    due = [number for number, outcome in enumerate(outcomes(30), 1) if it.take(outcome)]
    assert due == [7, 14, 21, 28]
    assert it.taken == 30


def test_of_the_negatives_a_share_is_learned_from_and_of_the_positives_all() -> None:
    sampled, chosen = fold(share=0.3), fold()
    for outcome in outcomes(400):
        sampled.take(outcome)
        if outcome.is_positive or is_drawn(outcome.event_id, 0.3):
            chosen.take(outcome)
    assert sampled.taken == 400 > chosen.taken
    assert arrays(sampled.freeze()) == arrays(chosen.freeze())


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_about_that_share_is_drawn(share) -> None:
    drawn = np.mean([is_drawn(f"event-{n}", share) for n in range(5_000)])
    assert abs(drawn - share) < 0.02


def test_what_is_drawn_with_a_smaller_share_is_drawn_with_a_larger_one() -> None:
    ids = [f"event-{n}" for n in range(500)]
    assert {n for n in ids if is_drawn(n, 0.1)} < {n for n in ids if is_drawn(n, 0.4)}


def test_a_mean_is_of_the_models_beside_it() -> None:
    it = fold()
    for outcome in outcomes(300):
        it.take(outcome)
    frozen = it.freeze()
    for number, member in enumerate(("logistic", "forest")):
        family, parts = frozen[member]
        for name, array in parts.items():
            np.testing.assert_array_equal(frozen["both"].arrays[f"{number}/{family}/{name}"], array)


def test_what_cannot_be_learned_is_refused_at_once() -> None:
    with pytest.raises(HeadraceError, match="did you mean logistic"):
        fold(it=LearnedModel(family="logistics"))
