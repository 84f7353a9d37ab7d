"""Freezing a charter's scorecard: the first champion, before anything has been learned."""

from pathlib import Path
from typing import Final

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from headrace.models.artefact import Artefact, describe, write_artefact
from headrace.models.linear import PARAMETERS
from headrace.models.manifest import Manifest, ScorecardLineage
from headrace.usecase.charter import Charter
from headrace.usecase.scorecard import Term

_NO_TERM: Final = Term(mean=0.0, scale=1.0, weight=0.0)


def freeze_scorecard(
    charter: Charter, folder: Path, key: Ed25519PrivateKey, created_at_ms: int
) -> Artefact:
    """Write the scorecard as a signed model; the same arguments give the same digest.

    Parameters
    ----------
    charter
        Declares the scorecard and the features.
    folder
        Where the artefact goes.
    key
        Signs it.
    created_at_ms
        Milliseconds since the epoch; part of the model's digest.
    """
    card, features = charter.model, charter.feature_set.names
    arrays = {"intercept": np.array([card.intercept], np.float64)}
    for parameter in PARAMETERS:
        values = [getattr(card.features.get(name, _NO_TERM), parameter) for name in features]
        arrays[parameter] = np.array(values, np.float64)
    manifest = Manifest(
        format=1,
        family=card.family,
        name=card.name,
        version=card.version,
        feature_set=charter.feature_set.digest.hex(),
        features=features,
        arrays=describe(arrays),
        lineage=ScorecardLineage(charter=charter.digest.hex(), numpy=np.__version__),
        created_at_ms=created_at_ms,
    )
    return write_artefact(folder, manifest, arrays, key)
