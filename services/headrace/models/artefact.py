"""Models as files: plain arrays, a manifest that names them by digest, and its signature.

A folder holds ``manifest.json``, ``manifest.sig`` (the key's id and the Ed25519 signature of the
manifest's bytes) and ``chunks/<sha256>.npy``. Nothing in it is a pickle.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from numpy.typing import NDArray
from pydantic import ValidationError

from headrace.models.keys import KEY_ID_BYTES, TrustedKeys, key_id
from headrace.models.manifest import ArraySpec, Manifest
from headrace.models.trust import ModelUntrusted

Arrays = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Artefact:
    """A model that was signed, or has been verified."""

    manifest: Manifest
    digest: bytes
    """SHA-256 of the manifest's bytes: it stands for the whole model."""
    arrays: Arrays


def describe(arrays: Arrays) -> dict[str, ArraySpec]:
    """Return what a manifest says of the arrays."""
    return {
        name: ArraySpec(sha256=sha256(_to_npy(array)).hexdigest(), dtype="<f8", shape=array.shape)
        for name, array in arrays.items()
    }


def write_artefact(
    folder: Path, manifest: Manifest, arrays: Arrays, key: Ed25519PrivateKey
) -> Artefact:
    """Write and sign a model whose manifest describes these arrays.

    An interrupted write leaves a folder that is refused, and may simply be repeated.
    """
    (folder / "chunks").mkdir(parents=True, exist_ok=True)
    for name, spec in manifest.arrays.items():
        _chunk(folder, spec).write_bytes(_to_npy(arrays[name]))
    signed = manifest.to_bytes()
    (folder / "manifest.sig").write_bytes(key_id(key.public_key()) + key.sign(signed))
    (folder / "manifest.json").write_bytes(signed)
    return Artefact(manifest, sha256(signed).digest(), arrays)


def read_artefact(folder: Path, trusted: TrustedKeys, feature_set: bytes) -> Artefact:
    """Read a model and verify all of it.

    Parameters
    ----------
    folder
        Where it was written.
    trusted
        The keys whose signatures count.
    feature_set
        Digest of the features that the model will be given.

    Raises
    ------
    ModelUntrusted
        A file is missing, the key is not trusted, the signature, a digest or a shape is wrong, a
        number is not finite, or the model was made for other features.
    """
    signed = _read(folder / "manifest.json")
    _verify(signed, _read(folder / "manifest.sig"), trusted)
    try:
        manifest = Manifest.model_validate_json(signed)
    except ValidationError as error:
        raise _untrusted(f"its manifest is not one of format 1: {error}") from None
    if manifest.feature_set != feature_set.hex():
        raise ModelUntrusted(
            f"The model {manifest.name} {manifest.version} was made for other features.",
            fix="Freeze a model for the charter's features.",
        )
    arrays = {name: _load(folder, name, spec) for name, spec in manifest.arrays.items()}
    return Artefact(manifest, sha256(signed).digest(), arrays)


def _verify(signed: bytes, signature: bytes, trusted: TrustedKeys) -> None:
    signer = signature[:KEY_ID_BYTES]
    if signer not in trusted:
        raise _untrusted(f"it is signed by the key {signer.hex()}, which is not trusted")
    try:
        trusted[signer].verify(signature[KEY_ID_BYTES:], signed)
    except InvalidSignature:
        raise _untrusted(f"its manifest is not what the key {signer.hex()} signed") from None


def _load(folder: Path, name: str, spec: ArraySpec) -> NDArray[np.float64]:
    chunk = _read(_chunk(folder, spec))
    if sha256(chunk).hexdigest() != spec.sha256:
        raise _untrusted(f"the chunk of its array {name} is not the one that was signed")
    try:
        array = np.lib.format.read_array(io.BytesIO(chunk), allow_pickle=False)
    except ValueError as error:
        raise _untrusted(f"its array {name} is no plain array: {error}") from None
    if array.dtype.str != spec.dtype or array.shape != spec.shape:
        raise _untrusted(
            f"its array {name} is {array.dtype.str} {array.shape}, "
            f"not {spec.dtype} {spec.shape} as signed"
        )
    if not np.isfinite(array).all():
        raise _untrusted(f"its array {name} holds numbers that are not finite")
    return array


def _to_npy(array: NDArray[np.float64]) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.ascontiguousarray(array, "<f8"), allow_pickle=False)
    return file.getvalue()


def _chunk(folder: Path, spec: ArraySpec) -> Path:
    return folder / "chunks" / f"{spec.sha256}.npy"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _untrusted(f"{path} cannot be read: {error.strerror}") from None


def _untrusted(why: str) -> ModelUntrusted:
    return ModelUntrusted(
        f"The model is not trusted: {why}.",
        fix="Freeze it again, and trust the public key of who signs it.",
    )
