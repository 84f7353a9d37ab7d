"""Signed artefacts: what is read is what was signed, or nothing is."""

import io
import pickle
import shutil
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.models.artefact import read_artefact, write_artefact
from headrace.models.keys import generate_key, key_id, load_trusted
from headrace.models.scorecard import freeze_scorecard
from headrace.models.trust import ModelUntrusted


def signed_again(frozen, folder: Path, chunk: bytes, **spec):
    """Sign the model with another chunk for its intercept, as a trusted signer could."""
    manifest = frozen.artefact.manifest
    intercept = manifest.arrays["intercept"].model_copy(
        update={"sha256": sha256(chunk).hexdigest(), **spec}
    )
    manifest = manifest.model_copy(update={"arrays": {"intercept": intercept}})
    write_artefact(folder, manifest, {"intercept": np.zeros(1)}, frozen.key)
    (folder / "chunks" / f"{intercept.sha256}.npy").write_bytes(chunk)


def npy(array: np.ndarray, *, allow_pickle: bool = False) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=allow_pickle)
    return file.getvalue()


def read(frozen, folder: Path):
    return read_artefact(folder, frozen.trusted, frozen.charter.feature_set.digest)


def test_what_was_written_is_read(frozen) -> None:
    artefact = read(frozen, frozen.folder)
    assert artefact.manifest == frozen.artefact.manifest
    assert artefact.digest == frozen.artefact.digest
    for name, array in frozen.artefact.arrays.items():
        np.testing.assert_array_equal(artefact.arrays[name], array)


def test_the_digest_is_that_of_the_manifest(frozen) -> None:
    manifest = (frozen.folder / "manifest.json").read_bytes()
    assert frozen.artefact.digest == sha256(manifest).digest()


def test_the_same_model_has_the_same_digest_whoever_signs_it(frozen, tmp_path) -> None:
    other = generate_key(tmp_path / "key.pem", tmp_path / "trusted")
    created_at_ms = frozen.artefact.manifest.created_at_ms
    again = freeze_scorecard(frozen.charter, tmp_path / "a", other, created_at_ms)
    assert again.digest == frozen.artefact.digest
    later = freeze_scorecard(frozen.charter, tmp_path / "b", other, created_at_ms + 1)
    assert later.digest != frozen.artefact.digest


@given(st.data())
def test_a_change_of_any_byte_of_any_file_is_refused(frozen, tmp_path_factory, data) -> None:
    files = sorted(path for path in frozen.folder.rglob("*") if path.is_file())
    file = data.draw(st.sampled_from(files))
    content = bytearray(file.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    folder = tmp_path_factory.mktemp("tampered") / "model"
    shutil.copytree(frozen.folder, folder)
    (folder / file.relative_to(frozen.folder)).write_bytes(content)
    with pytest.raises(ModelUntrusted):
        read(frozen, folder)
    shutil.rmtree(folder)


@given(st.data())
def test_a_file_that_is_cut_short_longer_or_missing_is_refused(
    frozen, tmp_path_factory, data
) -> None:
    files = sorted(path for path in frozen.folder.rglob("*") if path.is_file())
    file = data.draw(st.sampled_from(files))
    content = file.read_bytes()
    change = data.draw(st.sampled_from(["cut", "longer", "missing"]))
    folder = tmp_path_factory.mktemp("tampered") / "model"
    shutil.copytree(frozen.folder, folder)
    target = folder / file.relative_to(frozen.folder)
    if change == "missing":
        target.unlink()
    elif change == "cut":
        target.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    else:
        target.write_bytes(content + data.draw(st.binary(min_size=1, max_size=4)))
    with pytest.raises(ModelUntrusted):
        read(frozen, folder)
    shutil.rmtree(folder)


def test_an_unknown_signer_is_refused_by_name(frozen, tmp_path) -> None:
    stranger = generate_key(tmp_path / "key.pem", tmp_path / "trusted")
    freeze_scorecard(frozen.charter, tmp_path / "model", stranger, 1)
    signer = key_id(stranger.public_key()).hex()
    with pytest.raises(ModelUntrusted, match=f"the key {signer}, which is not trusted"):
        read(frozen, tmp_path / "model")


def test_a_rotated_key_is_trusted_beside_the_old_one(frozen, tmp_path) -> None:
    new = generate_key(tmp_path / "key.pem", tmp_path / "trusted")
    freeze_scorecard(frozen.charter, tmp_path / "model", new, 1)
    both = {**frozen.trusted, **load_trusted(tmp_path / "trusted")}
    for folder in (frozen.folder, tmp_path / "model"):
        read_artefact(folder, both, frozen.charter.feature_set.digest)


def test_a_model_for_other_features_is_refused(frozen) -> None:
    with pytest.raises(ModelUntrusted, match="made for other features"):
        read_artefact(frozen.folder, frozen.trusted, bytes(32))


def test_no_model_at_all_is_refused(frozen, tmp_path) -> None:
    with pytest.raises(ModelUntrusted, match=r"manifest\.json cannot be read"):
        read(frozen, tmp_path)


def test_a_pickle_is_refused_even_if_signed(frozen, tmp_path) -> None:
    signed_again(frozen, tmp_path, npy(np.array([{"a": 1}]), allow_pickle=True))
    with pytest.raises(ModelUntrusted, match="no plain array: Object arrays cannot be loaded"):
        read(frozen, tmp_path)


def test_a_bare_pickle_is_refused_even_if_signed(frozen, tmp_path) -> None:
    signed_again(frozen, tmp_path, pickle.dumps(np.zeros(1)))
    with pytest.raises(ModelUntrusted, match="no plain array"):
        read(frozen, tmp_path)


@pytest.mark.parametrize(
    ("array", "told"),
    [
        (np.array([np.nan]), "not finite"),
        (np.array([np.inf]), "not finite"),
        (np.zeros(2), r"is <f8 \(2,\), not <f8 \(1,\) as signed"),
        (np.zeros(1, "<f4"), r"is <f4 \(1,\), not <f8 \(1,\) as signed"),
    ],
)
def test_an_array_other_than_described_is_refused_even_if_signed(
    frozen, tmp_path, array, told
) -> None:
    signed_again(frozen, tmp_path, npy(array))
    with pytest.raises(ModelUntrusted, match=told):
        read(frozen, tmp_path)


def test_a_manifest_of_another_format_is_refused_even_if_signed(frozen, tmp_path) -> None:
    manifest = frozen.artefact.manifest.model_copy(update={"format": 2})
    write_artefact(tmp_path, manifest, frozen.artefact.arrays, frozen.key)
    with pytest.raises(ModelUntrusted, match="not one of format 1"):
        read(frozen, tmp_path)
