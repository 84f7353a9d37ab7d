"""From a folder to the model that serves."""

from dataclasses import replace

import numpy as np
import pytest

from headrace.models.artefact import write_artefact
from headrace.models.frozen import FrozenModel
from headrace.models.serving import load_model
from headrace.models.trust import ModelUntrusted


def test_a_logistic_model_serves_as_one(frozen) -> None:
    model = load_model(frozen.folder, frozen.trusted, frozen.charter.feature_set.digest)
    assert model.bounds == (0.0, 1.0)
    assert model.digest == frozen.artefact.digest


def test_a_linear_model_serves_as_one(frozen, tmp_path) -> None:
    manifest = frozen.artefact.manifest.model_copy(update={"family": "linear"})
    write_artefact(tmp_path, manifest, frozen.artefact.arrays, frozen.key)
    model = load_model(tmp_path, frozen.trusted, frozen.charter.feature_set.digest)
    assert model.bounds == (-float("inf"), float("inf"))


def test_a_model_for_other_features_does_not_serve(frozen) -> None:
    with pytest.raises(ModelUntrusted, match="other features"):
        load_model(frozen.folder, frozen.trusted, b"x" * 32)


def test_arrays_of_other_shapes_do_not_serve(frozen) -> None:
    arrays = {**frozen.artefact.arrays, "mean": frozen.artefact.arrays["mean"][:1]}
    with pytest.raises(ModelUntrusted, match="with scales other than zero"):
        FrozenModel(replace(frozen.artefact, arrays=arrays))


def test_what_was_learned_from_a_share_of_the_negatives_is_corrected(frozen) -> None:
    manifest = frozen.artefact.manifest.model_copy(update={"negatives_share": 0.1})
    rows = FrozenModel(frozen.artefact).usual + np.linspace(-9.0, 9.0, 9)[:, None]
    learned = FrozenModel(frozen.artefact).score(rows)
    corrected = FrozenModel(replace(frozen.artefact, manifest=manifest)).score(rows)
    odds = learned.scores / (1 - learned.scores)
    np.testing.assert_allclose(corrected.scores / (1 - corrected.scores), 0.1 * odds)
    np.testing.assert_array_equal(corrected.contributions, learned.contributions)
