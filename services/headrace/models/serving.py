"""From a folder to the model that serves."""

from pathlib import Path

from headrace.models.artefact import read_artefact
from headrace.models.frozen import FrozenModel
from headrace.models.keys import TrustedKeys


def load_model(folder: Path, trusted: TrustedKeys, feature_set: bytes) -> FrozenModel:
    """Read, verify and build the model in a folder.

    Raises
    ------
    ModelUntrusted
        It cannot be proved to be what its signer published, or does not fit the features.
    """
    return FrozenModel(read_artefact(folder, trusted, feature_set))
