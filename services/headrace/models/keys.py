"""Ed25519 keys: private ones sign models, public ones in a folder are trusted."""

import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from headrace.errors import HeadraceError

KEY_ID_BYTES = 8

TrustedKeys = Mapping[bytes, Ed25519PublicKey]
"""Public keys by id."""


def key_id(key: Ed25519PublicKey) -> bytes:
    """Return the id of a key: the first ``KEY_ID_BYTES`` of the SHA-256 of its 32 raw bytes."""
    return sha256(key.public_bytes_raw()).digest()[:KEY_ID_BYTES]


def generate_key(private: Path, trusted: Path) -> Ed25519PrivateKey:
    """Make a key pair: the private key in a file of its owner's alone, the public one trusted.

    Parameters
    ----------
    private
        File for the private key, PEM; it must not exist.
    trusted
        Folder for the public key, PEM, named by its id.

    Raises
    ------
    FileExistsError
        There is a private key already.
    """
    if private.exists():
        raise FileExistsError(private)
    key = Ed25519PrivateKey.generate()
    public = key.public_key()
    trusted.mkdir(parents=True, exist_ok=True)
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (trusted / f"{key_id(public).hex()}.pem").write_bytes(pem)
    # Last, so that no interruption leaves a private key that nobody trusts.
    private.parent.mkdir(parents=True, exist_ok=True)
    _write_private(private, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key


def load_key(private: Path) -> Ed25519PrivateKey:
    """Read a private key.

    Raises
    ------
    HeadraceError
        There is none, or the file holds something else.
    """
    try:
        key = load_pem_private_key(_read(private), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(private, "private")
    return key


def load_trusted(folder: Path) -> TrustedKeys:
    """Read the public keys, ``*.pem``, of a folder; none where there is no folder.

    Raises
    ------
    HeadraceError
        A file holds something else.
    """
    return {key_id(key): key for key in map(_load_public, sorted(folder.glob("*.pem")))}


def _write_private(path: Path, pem: bytes) -> None:
    """Write a file whole or not at all, readable by its owner alone, over no other."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    try:
        os.link(draft, path)
    finally:
        draft.unlink()


def _load_public(path: Path) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(_read(path))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise _no_key(path, "public")
    return key


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise HeadraceError(
            f"The key {path} cannot be read: {error.strerror}.",
            fix="Check the path, and that it is this user's.",
        ) from None


def _no_key(path: Path, kind: str) -> HeadraceError:
    return HeadraceError(
        f"{path} holds no unencrypted {kind} Ed25519 key in PEM.",
        fix="Put the right file there, or generate a new key.",
    )
