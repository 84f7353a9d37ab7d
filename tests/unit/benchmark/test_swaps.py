"""What is swapped under load, and when a number of it must not be told."""

from pathlib import Path

import numpy as np
import pytest

from headrace.benchmark.charters import with_forests
from headrace.benchmark.expected import expected
from headrace.benchmark.forests import expected_of, learn
from headrace.benchmark.payments import Payments, growing
from headrace.benchmark.swaps import Swapping, require_all, require_each
from headrace.benchmark.where import charter
from headrace.contracts.schemas import field_names
from headrace.errors import HeadraceError
from headrace.models.artefact import Artefact
from headrace.usecase.charter import Charter

OUTCOMES = 1_000
"""From one version to the next."""


@pytest.fixture(scope="module")
def payments() -> Payments:
    return growing(2 * OUTCOMES, 1)


@pytest.fixture(scope="module")
def forests(tmp_path_factory: pytest.TempPathFactory) -> Charter:
    path: Path = tmp_path_factory.mktemp("charter") / "charter.toml"
    path.write_text(with_forests(charter().read_text("utf-8"), OUTCOMES))
    return Charter.load(path, field_names)


@pytest.fixture(scope="module")
def models(payments: Payments, forests: Charter) -> list[Artefact]:
    return learn(payments, forests, 1)


def test_both_models_are_forests_of_ten_that_score_differently(
    models: list[Artefact], payments: Payments, forests: Charter
) -> None:
    assert [each.manifest.family for each in models] == ["forest", "forest"]
    assert [each.manifest.version for each in models] == [str(OUTCOMES), str(2 * OUTCOMES)]
    assert [each.arrays["root"].shape for each in models] == [(10,), (10,)]
    few = payments.first(200)
    first, second = expected_of(models, few, forests).values()
    assert not np.allclose(first.scores, second.scores)
    assert np.array_equal(first.features, expected(few, forests).features)
    assert set(first.actions) > {"approve"}


def test_a_plan_takes_two_stretches_a_round_each_after_a_rest() -> None:
    plan = Swapping(rate=100, seconds=4.0, every_s=2.0, settle_s=0.5, warm_up_s=2.0, outcomes=0)
    assert plan.events(3) == 200 + 3 * 2 * (50 + 400)


def test_a_swap_that_did_not_happen_is_said_instead_of_a_number() -> None:
    require_all(5, 5)
    with pytest.raises(HeadraceError, match="4 models were taken over, and 5 were told to serve"):
        require_all(4, 5)


def test_a_model_that_decided_nothing_is_named(models: list[Artefact]) -> None:
    first, second = models
    require_each(models, {first.digest: 1, second.digest: 2})
    with pytest.raises(HeadraceError, match=f"forest {2 * OUTCOMES} has decided nothing"):
        require_each(models, {first.digest: 3})
