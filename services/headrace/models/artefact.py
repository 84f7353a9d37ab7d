"""Models as bytes: plain arrays, a manifest that names them by digest, and its signature.

A folder holds ``manifest.json``, ``manifest.sig`` (the key's id and the Ed25519 signature of the
manifest's bytes) and ``chunks/<sha256>.npy``; topics hold the same (see
:mod:`headrace.models.publication`). Nothing in it is a pickle.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from numpy.typing import NDArray
from pydantic import ValidationError

from headrace.models.keys import KEY_ID_BYTES, TrustedKeys, key_id
from headrace.models.manifest import ArraySpec, Manifest
from headrace.models.trust import ModelUntrusted, untrusted

Arrays = Mapping[str, NDArray[np.float64]]
Chunk = Callable[[str], bytes]
"""Gives the array as npy whose SHA-256 in hexadecimal is asked for, or raises ModelUntrusted."""


@dataclass(frozen=True, slots=True)
class Artefact:
    """A model that was signed, or has been verified."""

    manifest: Manifest
    digest: bytes
    """SHA-256 of the manifest's bytes: it stands for the whole model."""
    arrays: Arrays


class Signed(NamedTuple):
    """A manifest's bytes, and the signing key's id with its signature of them."""

    manifest: bytes
    signature: bytes


def describe(arrays: Arrays) -> dict[str, ArraySpec]:
    """Return what a manifest says of the arrays."""
    return {
        name: ArraySpec(sha256=sha256(to_npy(array)).hexdigest(), dtype="<f8", shape=array.shape)
        for name, array in arrays.items()
    }


def sign(manifest: Manifest, key: Ed25519PrivateKey) -> Signed:
    """Return a manifest as it is published."""
    signed = manifest.to_bytes()
    return Signed(signed, key_id(key.public_key()) + key.sign(signed))


def verify_manifest(signed: Signed, trusted: TrustedKeys, feature_set: bytes) -> Manifest:
    """Return the manifest that a trusted key has signed for these features.

    Raises
    ------
    ModelUntrusted
        The key is not trusted, the signature is wrong, the format is unknown, or the model was
        made for other features.
    """
    _verify(signed, trusted)
    try:
        manifest = Manifest.model_validate_json(signed.manifest)
    except ValidationError as error:
        raise untrusted(f"its manifest is not one of format 1: {error}") from None
    if manifest.feature_set != feature_set.hex():
        raise ModelUntrusted(
            f"The model {manifest.name} {manifest.version} was made for other features.",
            fix="Freeze a model for the charter's features.",
        )
    return manifest


def verify_arrays(manifest: Manifest, chunk: Chunk) -> dict[str, NDArray[np.float64]]:
    """Return the arrays that a manifest names.

    Raises
    ------
    ModelUntrusted
        A chunk is not there or not the signed one, or an array is not as described or not finite.
    """
    return {name: _array(name, spec, chunk(spec.sha256)) for name, spec in manifest.arrays.items()}


def write_artefact(
    folder: Path, manifest: Manifest, arrays: Arrays, key: Ed25519PrivateKey
) -> Artefact:
    """Write and sign a model whose manifest describes these arrays.

    An interrupted write leaves a folder that is refused, and may simply be repeated.
    """
    (folder / "chunks").mkdir(parents=True, exist_ok=True)
    for name, spec in manifest.arrays.items():
        _chunk(folder, spec.sha256).write_bytes(to_npy(arrays[name]))
    signed = sign(manifest, key)
    (folder / "manifest.sig").write_bytes(signed.signature)
    (folder / "manifest.json").write_bytes(signed.manifest)
    return Artefact(manifest, sha256(signed.manifest).digest(), arrays)


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
    signed = read_signed(folder)
    manifest = verify_manifest(signed, trusted, feature_set)
    arrays = verify_arrays(manifest, lambda digest: _read(_chunk(folder, digest)))
    return Artefact(manifest, sha256(signed.manifest).digest(), arrays)


def read_signed(folder: Path) -> Signed:
    """Read a manifest and its signature; nothing is verified.

    Raises
    ------
    ModelUntrusted
        A file is missing.
    """
    return Signed(_read(folder / "manifest.json"), _read(folder / "manifest.sig"))


def to_npy(array: NDArray[np.float64]) -> bytes:
    """Return an array's chunk."""
    file = io.BytesIO()
    np.lib.format.write_array(file, np.ascontiguousarray(array, "<f8"), allow_pickle=False)
    return file.getvalue()


def _verify(signed: Signed, trusted: TrustedKeys) -> None:
    signer = signed.signature[:KEY_ID_BYTES]
    if signer not in trusted:
        raise untrusted(f"it is signed by the key {signer.hex()}, which is not trusted")
    try:
        trusted[signer].verify(signed.signature[KEY_ID_BYTES:], signed.manifest)
    except InvalidSignature:
        raise untrusted(f"its manifest is not what the key {signer.hex()} signed") from None


def _array(name: str, spec: ArraySpec, chunk: bytes) -> NDArray[np.float64]:
    if sha256(chunk).hexdigest() != spec.sha256:
        raise untrusted(f"the chunk of its array {name} is not the one that was signed")
    try:
        array = np.lib.format.read_array(io.BytesIO(chunk), allow_pickle=False)
    except ValueError as error:
        raise untrusted(f"its array {name} is no plain array: {error}") from None
    if array.dtype.str != spec.dtype or array.shape != spec.shape:
        raise untrusted(
            f"its array {name} is {array.dtype.str} {array.shape}, "
            f"not {spec.dtype} {spec.shape} as signed"
        )
    if not np.isfinite(array).all():
        raise untrusted(f"its array {name} holds numbers that are not finite")
    return array


def _chunk(folder: Path, digest: str) -> Path:
    return folder / "chunks" / f"{digest}.npy"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise untrusted(f"{path} cannot be read: {error.strerror}") from None
