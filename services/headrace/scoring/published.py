"""Published models: found in their topics, verified, and built."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from headrace.chassis.clients import Clients
from headrace.chassis.reading import records_of
from headrace.chassis.topology import Channel
from headrace.contracts.codec import Undecodable
from headrace.models.artefact import Artefact
from headrace.models.frozen import FrozenModel
from headrace.models.keys import load_trusted
from headrace.models.publication import Parts, published_artefact
from headrace.models.trust import untrusted

_TIMEOUT_S: Final = 30.0


class PublishedModels:
    """The models of a use case, as they stand in its topics.

    Parameters
    ----------
    models, chunks
        Where they stand.
    trusted_keys
        The folder of the keys whose signatures count; it is read for each model, so that a key
        that is rotated needs no restart.
    feature_set
        Digest of the features that they will be given.
    """

    def __init__(
        self,
        clients: Clients,
        models: Channel,
        chunks: Channel,
        trusted_keys: Path,
        feature_set: bytes,
    ) -> None:
        self._clients = clients
        self._models = models
        self._chunks = chunks
        self._trusted_keys = trusted_keys
        self._feature_set = feature_set

    def all(self) -> list[dict[str, Any]]:
        """Return the latest record of each model, in the order in which they were published.

        Raises
        ------
        HeadraceError
            The topic cannot be read.
        """
        return [*{each["digest"]: each for each in self._records()}.values()]

    def to_serve(self, serving: Mapping[str, Any]) -> FrozenModel:
        """Return the model that a ``ServingChanged`` names.

        Raises
        ------
        ModelUntrusted
            It was not published, cannot be proved to be what its signer published, or cannot score.
        HeadraceError
            The topics or the trusted keys cannot be read.
        """
        digest = serving["digest"]
        found = [*self._records(digest)]
        if not found:
            raise untrusted(f"no model of the digest {digest.hex()} was published")
        model = self.verified(found[-1])
        if (model.name, model.version) != (serving["name"], serving["version"]):
            raise untrusted(
                f"{serving['name']} {serving['version']} was to serve, and the digest is that of "
                f"{model.name} {model.version}"
            )
        return model

    def verified(self, record: Mapping[str, Any]) -> FrozenModel:
        """Return the model of a ``ModelPublished``; raises as :meth:`to_serve`."""
        model = FrozenModel(self._artefact(record))
        _try(model)
        return model

    def _artefact(self, record: Mapping[str, Any]) -> Artefact:
        def fetch(digests: Collection[str]) -> Mapping[str, bytes]:
            return self._fetch(digests, record["published_at_ms"])

        trusted = load_trusted(self._trusted_keys)
        return published_artefact(record, fetch, trusted, self._feature_set)

    def _fetch(self, digests: Collection[str], since_ms: int) -> Mapping[str, bytes]:
        """Read the chunks from when the model was published; from the first where some lack."""
        parts = Parts(digests)
        for begin in (since_ms, None):
            messages = records_of(self._clients, self._chunks.topic, _TIMEOUT_S, begin)
            while parts.missing and (message := next(messages, None)) is not None:
                try:
                    parts.take(self._chunks.decode(message.value()))
                except Undecodable:
                    continue  # what nobody can read is no chunk
        return parts.whole

    def _records(self, digest: bytes | None = None) -> Iterator[dict[str, Any]]:
        """Yield the records of one model, or of all; what nobody can read is none."""
        key = None if digest is None else digest.hex().encode()
        for message in records_of(self._clients, self._models.topic, _TIMEOUT_S):
            if key is None or message.key() == key:
                try:
                    yield self._models.decode(message.value())
                except Undecodable:
                    continue


def _try(model: FrozenModel) -> None:
    """Score what is usual, and what is unknown altogether.

    Raises
    ------
    ModelUntrusted
        What the model says is no score.
    """
    usual = np.array([model.usual])
    scores = model.score(np.vstack([usual, np.full_like(usual, np.nan)])).scores
    low, high = model.bounds
    if not (np.isfinite(scores) & (scores >= low) & (scores <= high)).all():
        raise untrusted(f"it says {scores.tolist()}, which is not from {low} to {high}")
