"""From a folder to the model that serves."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from headrace.models.artefact import read_artefact
from headrace.models.keys import TrustedKeys
from headrace.models.linear import FrozenLinear
from headrace.models.logistic import FrozenLogistic

FAMILIES: Final[Mapping[str, type[FrozenLinear]]] = {
    "linear": FrozenLinear,
    "logistic": FrozenLogistic,
}


def load_model(folder: Path, trusted: TrustedKeys, feature_set: bytes) -> FrozenLinear:
    """Read, verify and build the model in a folder.

    Raises
    ------
    ModelUntrusted
        It cannot be proved to be what its signer published, or does not fit the features.
    """
    artefact = read_artefact(folder, trusted, feature_set)
    return FAMILIES[artefact.manifest.family](artefact)
