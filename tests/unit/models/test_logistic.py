"""The frozen logistic model."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from headrace.contracts.location import shipped
from headrace.models.frozen import FrozenModel
from headrace.models.linear import LinearPredictor
from headrace.models.trust import ModelUntrusted
from headrace.usecase.charter import Charter

FEATURES = len(Charter.load(shipped("deploy") / "charters/card-fraud.toml").features)
numbers = st.floats(-1e9, 1e9)
matrices = st.integers(0, 40).flatmap(lambda n: arrays(np.float64, (n, FEATURES), elements=numbers))


def by_the_formula(charter, row) -> float:
    """Score as the charter's scorecard says, one number after the other."""
    logit = charter.model.intercept
    for name, value in zip(charter.feature_set.names, row, strict=True):
        term = charter.model.features[name]
        logit += (value - term.mean) / term.scale * term.weight
    if logit < 0:
        return math.exp(logit) / (1 + math.exp(logit))
    return 1 / (1 + math.exp(-logit))


@given(matrices)
def test_a_score_is_the_sigmoid_of_the_scorecard(frozen, matrix) -> None:
    scores = FrozenModel(frozen.artefact).score(matrix).scores
    assert scores.shape == (len(matrix),)
    expected = [by_the_formula(frozen.charter, row) for row in matrix.tolist()]
    np.testing.assert_allclose(scores, expected, rtol=1e-12, atol=0)


@given(matrices, st.data())
def test_a_score_does_not_depend_on_the_rest_of_its_batch_to_the_last_bit(
    frozen, matrix, data
) -> None:
    model = FrozenModel(frozen.artefact)
    cut = data.draw(st.integers(0, len(matrix)))
    parts = [model.score(part).scores for part in (matrix[:cut], matrix[cut:])]
    np.testing.assert_array_equal(model.score(matrix).scores, np.concatenate(parts))


@given(matrices)
def test_contributions_are_what_the_features_add_to_the_logit_exactly(frozen, matrix) -> None:
    scored = FrozenModel(frozen.artefact).score(matrix)
    linear = LinearPredictor(frozen.artefact.arrays, FEATURES).score(matrix)
    logits = np.full(len(matrix), frozen.charter.model.intercept)
    for contribution in scored.contributions.T:
        logits += contribution
    np.testing.assert_array_equal(logits, linear.scores)
    np.testing.assert_array_equal(scored.contributions, linear.contributions)
    for name, column, contribution in zip(
        frozen.charter.feature_set.names, matrix.T, scored.contributions.T, strict=True
    ):
        term = frozen.charter.model.features[name]
        np.testing.assert_array_equal(contribution, (column - term.mean) / term.scale * term.weight)


def test_a_feature_at_its_usual_value_adds_nothing(frozen) -> None:
    model = FrozenModel(frozen.artefact)
    assert not model.score(np.array([model.usual])).contributions.any()


def test_extreme_features_give_zero_and_one_without_a_warning(frozen) -> None:
    rows = np.zeros((2, FEATURES))
    rows[:, 0] = (-1e18, 1e18)
    assert FrozenModel(frozen.artefact).score(rows).scores.tolist() == [0.0, 1.0]


def test_a_model_is_named_as_its_manifest_says(frozen) -> None:
    model = FrozenModel(frozen.artefact)
    assert (model.name, model.version) == ("expert-scorecard", "1")
    assert model.digest == frozen.artefact.digest


@pytest.mark.parametrize(
    "change",
    [
        {"weight": np.zeros(3)},
        {"intercept": np.zeros(2)},
        {"scale": np.zeros(FEATURES)},
        {"other": np.zeros(1)},
    ],
)
def test_arrays_that_do_not_fit_are_refused(frozen, change) -> None:
    artefact = replace(frozen.artefact, arrays={**frozen.artefact.arrays, **change})
    with pytest.raises(ModelUntrusted, match="expert-scorecard 1 has "):
        FrozenModel(artefact)
