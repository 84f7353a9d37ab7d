"""From a frozen model of the zoo to what can be signed and can serve."""

from hashlib import sha256
from importlib.metadata import version

import numpy as np

from headrace.models.artefact import Artefact, describe
from headrace.models.manifest import LearnedLineage, Manifest
from headrace.models.zoo.learner import Frozen
from headrace.usecase.charter import Charter


def learned(
    charter: Charter,
    name: str,
    frozen: Frozen,
    outcomes: int,
    created_at_ms: int,
    until_offset: int | None = None,
    *,
    is_retrained: bool = False,
    reason: str = "",
) -> Artefact:
    """Return the artefact of a model that has learned, not yet signed.

    Parameters
    ----------
    charter
        Declares the features, and the share of the negatives that was learned from.
    name
        What the charter calls the model; its version is the number of outcomes.
    frozen
        The model.
    outcomes
        From how many it has learned, those of the negatives included that it was not shown.
    created_at_ms
        Milliseconds since the epoch.
    until_offset
        The offset after the last of them in their topic.
    is_retrained
        Whether it has learned anew from what the events are held to be in the end.
    reason
        Why, where somebody has said so.
    """
    assert charter.learning is not None  # noqa: S101 -- or there were no such model
    manifest = Manifest(
        format=1,
        family=frozen.family,
        name=name,
        version=f"{outcomes}-retrained" if is_retrained else str(outcomes),
        feature_set=charter.feature_set.digest.hex(),
        features=charter.feature_set.names,
        arrays=describe(frozen.arrays),
        negatives_share=charter.learning.negatives_share,
        lineage=LearnedLineage(
            charter=charter.digest.hex(),
            numpy=np.__version__,
            outcomes=outcomes,
            until_offset=until_offset,
            is_retrained=is_retrained,
            reason=reason,
            river=version("river"),
        ),
        created_at_ms=created_at_ms,
    )
    return Artefact(manifest, sha256(manifest.to_bytes()).digest(), frozen.arrays)
