"""Published models: what comes back from the records is what was signed, or nothing does."""

import random
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from headrace.contracts.codec import Encoder
from headrace.contracts.schemas import load_schema
from headrace.contracts.topics import load_topics
from headrace.models import publication as publishing
from headrace.models.artefact import Artefact, describe, sign, to_npy
from headrace.models.keys import key_id
from headrace.models.publication import PART_BYTES, Parts, publication, published_artefact
from headrace.models.trust import ModelUntrusted

AT_MS = 1_700_000_000_123


@pytest.fixture(scope="module")
def published(frozen) -> publishing.Publication:
    return publication(frozen.artefact, frozen.key, AT_MS)


def joined(published, digests) -> dict[str, bytes]:
    parts = Parts(digests)
    for _, record in published.chunks:
        parts.take(record)
    return dict(parts.whole)


def read(frozen, published, trusted=None, feature_set=None) -> Artefact:
    return published_artefact(
        published.model[1],
        lambda digests: joined(published, digests),
        frozen.trusted if trusted is None else trusted,
        feature_set or frozen.charter.feature_set.digest,
    )


def with_model(published, **changes):
    key, record = published.model
    return published._replace(model=(key, {**record, **changes}))


def with_chunk(published, **changes):
    """Change the first chunk."""
    (key, record), *rest = published.chunks
    return published._replace(chunks=[(key, {**record, **changes}), *rest])


def signed_as(frozen, published, **changes):
    """Sign another manifest, as a trusted signer could."""
    manifest = frozen.artefact.manifest.model_copy(update=changes)
    signed, signature = sign(manifest, frozen.key)
    return with_model(
        published,
        name=manifest.name,
        version=manifest.version,
        manifest=signed,
        signature=signature,
        digest=sha256(signed).digest(),
    )


def large(frozen) -> Artefact:
    """A model with an array of three parts, and two arrays that are the same."""
    arrays = {
        "large": np.random.default_rng(7).normal(size=2 * PART_BYTES // 8),
        "one": np.ones(3),
        "other": np.ones(3),
    }
    manifest = frozen.artefact.manifest.model_copy(update={"arrays": describe(arrays)})
    return Artefact(manifest, sha256(manifest.to_bytes()).digest(), arrays)


def test_what_was_published_is_read(frozen, published) -> None:
    artefact = read(frozen, published)
    assert artefact.manifest == frozen.artefact.manifest
    assert artefact.digest == frozen.artefact.digest
    for name, array in frozen.artefact.arrays.items():
        np.testing.assert_array_equal(artefact.arrays[name], array)


def test_keys_and_record_say_what_was_published_and_when(frozen, published) -> None:
    key, record = published.model
    manifest = frozen.artefact.manifest
    assert key == frozen.artefact.digest.hex()
    assert record["digest"] == frozen.artefact.digest
    assert (record["name"], record["version"]) == (manifest.name, manifest.version)
    assert record["manifest"] == manifest.to_bytes()
    assert record["signature"].startswith(key_id(frozen.key.public_key()))
    assert record["published_at_ms"] == AT_MS
    assert {key for key, _ in published.chunks} == {
        f"{spec.sha256}/0" for spec in manifest.arrays.values()
    }


def test_a_large_array_goes_in_parts_that_a_broker_takes_whatever_their_order(frozen) -> None:
    artefact = large(frozen)
    published = publication(artefact, frozen.key, AT_MS)
    spec = load_topics("any", "card-fraud/Transaction")["any.model-chunks"]
    encode = Encoder(load_schema(spec.schema), 1)
    assert max(len(encode(record)) for _, record in published.chunks) < 1_000_000
    digest = artefact.manifest.arrays["large"].sha256
    assert [key for key, _ in published.chunks][:3] == [f"{digest}/{part}" for part in range(3)]
    random.Random(3).shuffle(published.chunks)
    np.testing.assert_array_equal(read(frozen, published).arrays["large"], artefact.arrays["large"])


def test_an_array_that_stands_in_a_model_twice_is_published_once(frozen) -> None:
    published = publication(large(frozen), frozen.key, AT_MS)
    keys = [key for key, _ in published.chunks]
    assert len(keys) == len(set(keys)) == 4


def test_every_chunk_is_published_again_with_each_version(frozen, published) -> None:
    again = publication(frozen.artefact, frozen.key, AT_MS + 1)
    assert again.chunks == published.chunks


def test_chunks_of_others_are_passed_over_and_garbage_among_the_parts_does_no_harm(frozen) -> None:
    artefact = large(frozen)
    published = publication(artefact, frozen.key, AT_MS)
    digest = artefact.manifest.arrays["large"].sha256
    parts = Parts({digest})
    for key, record in published.chunks:
        parts.take({**record, "sha256": bytes(32)})
        for wrong in ({"part": -1}, {"part": 9}, {"parts": 0}, {"bytes": b"garbage"}):
            parts.take({**record, **wrong})
        assert digest in parts.missing, key
        if key.startswith(digest):
            parts.take(record)
            if not parts.missing:
                break
    assert parts.whole == {digest: to_npy(artefact.arrays["large"])}


TAMPERED = {
    "chunk": (lambda p: with_chunk(p, bytes=b"tampered"), "was not published whole"),
    "cut chunk": (
        lambda p: with_chunk(p, bytes=p.chunks[0][1]["bytes"][:-1]),
        "was not published whole",
    ),
    "missing chunk": (lambda p: p._replace(chunks=p.chunks[1:]), "was not published whole"),
    "missing part": (lambda p: with_chunk(p, parts=2), "was not published whole"),
    "unsigned": (lambda p: with_model(p, signature=b""), "the key , which is not trusted"),
    "cut signature": (
        lambda p: with_model(p, signature=p.model[1]["signature"][:-1]),
        "its manifest is not what the key",
    ),
    "manifest": (
        lambda p: with_model(
            p,
            manifest=p.model[1]["manifest"] + b" ",
            digest=sha256(p.model[1]["manifest"] + b" ").digest(),
        ),
        "its manifest is not what the key",
    ),
    "digest": (lambda p: with_model(p, digest=bytes(32)), "its digest is not that of its manifest"),
    "name": (lambda p: with_model(p, name="another"), "it was published as another"),
    "version": (lambda p: with_model(p, version="0"), "and signed as"),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_what_was_tampered_with_is_refused_and_it_is_said_why(frozen, published, what) -> None:
    tamper, why = TAMPERED[what]
    with pytest.raises(ModelUntrusted, match=why):
        read(frozen, tamper(published))


def test_a_chunk_other_than_the_signed_one_is_refused_whoever_finds_it(frozen, published) -> None:
    with pytest.raises(ModelUntrusted, match="is not the one that was signed"):
        published_artefact(
            published.model[1],
            lambda digests: dict.fromkeys(digests, b"tampered"),
            frozen.trusted,
            frozen.charter.feature_set.digest,
        )


def test_a_signer_that_is_not_trusted_is_refused_before_any_chunk_is_fetched(
    frozen, published
) -> None:
    stranger = publication(frozen.artefact, Ed25519PrivateKey.generate(), AT_MS)
    with pytest.raises(ModelUntrusted, match="which is not trusted"):
        published_artefact(
            stranger.model[1], lambda _: pytest.fail("fetched"), frozen.trusted, bytes(32)
        )
    with pytest.raises(ModelUntrusted, match="which is not trusted"):
        read(frozen, published, trusted={})


def test_a_model_for_other_features_is_refused(frozen, published) -> None:
    with pytest.raises(ModelUntrusted, match="made for other features"):
        read(frozen, published, feature_set=bytes(32))


def test_a_manifest_of_another_format_is_refused_even_if_signed(frozen, published) -> None:
    with pytest.raises(ModelUntrusted, match="not one of format 1"):
        read(frozen, signed_as(frozen, published, format=2))


@pytest.mark.parametrize(
    ("array", "why"),
    [(np.array([np.nan]), "not finite"), (np.zeros(2), r"\(2,\), not <f8 \(1,\) as signed")],
)
def test_an_array_other_than_described_is_refused_even_if_signed(frozen, array, why) -> None:
    arrays = {"intercept": array}
    described = {
        "intercept": describe(arrays)["intercept"].model_copy(update={"shape": (1,)}),
    }
    manifest = frozen.artefact.manifest.model_copy(update={"arrays": described})
    wrong = publication(replace(frozen.artefact, manifest=manifest, arrays=arrays), frozen.key, 1)
    with pytest.raises(ModelUntrusted, match=why):
        read(frozen, wrong)


def test_a_model_that_was_signed_before_is_published_as_it_is(frozen, published) -> None:
    signed = sign(frozen.artefact.manifest, frozen.key)
    assert publishing.publication_of(frozen.artefact, signed, AT_MS) == published
