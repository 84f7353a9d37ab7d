"""Models as records: what is published of one, and back to the model that was signed.

All chunks are published before the record of the model, and again with each version: who reads
the chunks from ``published_at_ms`` on finds them, and compaction removes the earlier ones.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from hashlib import sha256
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from numpy.typing import NDArray
from pydantic import ValidationError

from headrace.contracts.records import ModelChunkPublished, ModelPublished
from headrace.models.artefact import (
    Artefact,
    Signed,
    sign,
    to_npy,
    verify_arrays,
    verify_manifest,
)
from headrace.models.keys import TrustedKeys
from headrace.models.manifest import Manifest
from headrace.models.trust import untrusted

PART_BYTES: Final = 900_000
"""Of an array in one record: a broker takes a record of 1 MB by default."""

Fetch = Callable[[Collection[str]], Mapping[str, bytes]]
"""Finds the arrays as npy of these SHA-256 in hexadecimal; those that are not whole are not in
the answer."""


class Publication(NamedTuple):
    """What to publish, in this order."""

    chunks: list[tuple[str, ModelChunkPublished]]
    """Key and record of each part of each array."""
    model: tuple[str, ModelPublished]
    """Key and record."""


def publication(artefact: Artefact, key: Ed25519PrivateKey, published_at_ms: int) -> Publication:
    """Sign a model, and return the records that publish it.

    Parameters
    ----------
    published_at_ms
        Milliseconds since the epoch, taken before any of the records is written.
    """
    return publication_of(artefact, sign(artefact.manifest, key), published_at_ms)


def publication_of(artefact: Artefact, signed: Signed, published_at_ms: int) -> Publication:
    """Return the records that publish a model that is signed already; as :func:`publication`."""
    manifest, signature = signed
    digest = sha256(manifest).digest()
    published = ModelPublished(
        name=artefact.manifest.name,
        version=artefact.manifest.version,
        digest=digest,
        manifest=manifest,
        signature=signature,
        published_at_ms=published_at_ms,
    )
    by_digest = {
        spec.sha256: artefact.arrays[name] for name, spec in artefact.manifest.arrays.items()
    }
    chunks = [part for array in by_digest.values() for part in _parts(array)]
    return Publication(chunks, (digest.hex(), published))


def manifest_of(record: Mapping[str, Any]) -> Manifest | None:
    """Return what a ``ModelPublished`` says of itself; who signed it is not looked at."""
    try:
        return Manifest.model_validate_json(record["manifest"])
    except ValidationError:
        return None


def published_manifest(
    record: Mapping[str, Any], trusted: TrustedKeys, feature_set: bytes
) -> Manifest:
    """Return the verified manifest of a ``ModelPublished``.

    Raises
    ------
    ModelUntrusted
        As :func:`published_artefact`, before any array is looked at.
    """
    signed = Signed(record["manifest"], record["signature"])
    if sha256(signed.manifest).digest() != record["digest"]:
        raise untrusted("its digest is not that of its manifest")
    manifest = verify_manifest(signed, trusted, feature_set)
    if (manifest.name, manifest.version) != (record["name"], record["version"]):
        raise untrusted(
            f"it was published as {record['name']} {record['version']}, and signed as "
            f"{manifest.name} {manifest.version}"
        )
    return manifest


def published_artefact(
    record: Mapping[str, Any], fetch: Fetch, trusted: TrustedKeys, feature_set: bytes
) -> Artefact:
    """Return the model of a ``ModelPublished``, all of it verified.

    Parameters
    ----------
    fetch
        Finds its arrays; it is asked once, and only for a manifest that somebody trusted signed.
    trusted
        The keys whose signatures count.
    feature_set
        Digest of the features that the model will be given.

    Raises
    ------
    ModelUntrusted
        The key is not trusted, the signature, a digest or a shape is wrong, a chunk is missing,
        a number is not finite, or the model was made for other features.
    """
    manifest = published_manifest(record, trusted, feature_set)
    found = fetch({spec.sha256 for spec in manifest.arrays.values()})

    def chunk(digest: str) -> bytes:
        if digest not in found:
            raise untrusted(f"the chunk {digest} of its arrays was not published whole")
        return found[digest]

    return Artefact(manifest, record["digest"], verify_arrays(manifest, chunk))


class Parts:
    """Joins the chunks of some arrays.

    Parameters
    ----------
    wanted
        SHA-256 of the arrays in hexadecimal; the parts of all others are passed over.
    """

    def __init__(self, wanted: Collection[str]) -> None:
        self._parts: dict[str, dict[tuple[int, int], bytes]] = {digest: {} for digest in wanted}
        self._whole: dict[str, bytes] = {}

    @property
    def whole(self) -> Mapping[str, bytes]:
        """The arrays of which all parts were there, and make what was asked for."""
        return self._whole

    @property
    def missing(self) -> set[str]:
        """The others."""
        return set(self._parts)

    def take(self, record: Mapping[str, Any]) -> None:
        """Take a ``ModelChunkPublished``; the latest of each part counts."""
        digest, part, parts = record["sha256"].hex(), record["part"], record["parts"]
        held = self._parts.get(digest)
        if held is None or not 0 <= part < parts:
            return
        held[part, parts] = record["bytes"]
        if sum(of == parts for _, of in held) < parts:
            return
        joined = b"".join(held[number, parts] for number in range(parts))
        if sha256(joined).hexdigest() == digest:
            self._whole[digest] = joined
            del self._parts[digest]


def _parts(array: NDArray[Any]) -> Iterator[tuple[str, ModelChunkPublished]]:
    chunk = to_npy(array)
    digest = sha256(chunk)
    starts = range(0, len(chunk), PART_BYTES)
    for part, start in enumerate(starts):
        record = ModelChunkPublished(
            sha256=digest.digest(),
            part=part,
            parts=len(starts),
            bytes=chunk[start : start + PART_BYTES],
        )
        yield f"{digest.hexdigest()}/{part}", record
