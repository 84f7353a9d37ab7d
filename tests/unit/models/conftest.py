"""A signed model for the tests."""

from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from headrace.contracts.location import shipped
from headrace.models.artefact import Artefact
from headrace.models.keys import TrustedKeys, generate_key, load_trusted
from headrace.models.scorecard import freeze_scorecard
from headrace.usecase.charter import Charter

CREATED_AT_MS = 1_700_000_000_000


class Frozen(NamedTuple):
    charter: Charter
    key: Ed25519PrivateKey
    trusted: TrustedKeys
    folder: Path
    artefact: Artefact


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Frozen:
    """The card fraud scorecard, frozen and signed; the tests leave it as it is."""
    root = tmp_path_factory.mktemp("frozen")
    charter = Charter.load(shipped("deploy") / "charters/card-fraud.toml")
    key = generate_key(root / "signing.pem", root / "trusted")
    artefact = freeze_scorecard(charter, root / "model", key, CREATED_AT_MS)
    return Frozen(charter, key, load_trusted(root / "trusted"), root / "model", artefact)
