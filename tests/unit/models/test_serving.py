"""From a folder to the model that serves."""

from dataclasses import replace

import pytest

from headrace.models.artefact import write_artefact
from headrace.models.linear import FrozenLinear
from headrace.models.logistic import FrozenLogistic
from headrace.models.serving import load_model
from headrace.models.trust import ModelUntrusted


def test_a_logistic_model_serves_as_one(frozen) -> None:
    model = load_model(frozen.folder, frozen.trusted, frozen.charter.feature_set.digest)
    assert type(model) is FrozenLogistic
    assert model.digest == frozen.artefact.digest


def test_a_linear_model_serves_as_one(frozen, tmp_path) -> None:
    manifest = frozen.artefact.manifest.model_copy(update={"family": "linear"})
    write_artefact(tmp_path, manifest, frozen.artefact.arrays, frozen.key)
    model = load_model(tmp_path, frozen.trusted, frozen.charter.feature_set.digest)
    assert type(model) is FrozenLinear


def test_a_model_for_other_features_does_not_serve(frozen) -> None:
    with pytest.raises(ModelUntrusted, match="other features"):
        load_model(frozen.folder, frozen.trusted, b"x" * 32)


def test_arrays_of_other_shapes_do_not_serve(frozen) -> None:
    arrays = {**frozen.artefact.arrays, "mean": frozen.artefact.arrays["mean"][:1]}
    with pytest.raises(ModelUntrusted, match="has arrays"):
        FrozenLinear(replace(frozen.artefact, arrays=arrays))
