"""Where scoring finds its charter, its model and the keys that it trusts."""

from pathlib import Path
from typing import Any

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from headrace.contracts.location import shipped
from headrace.environment import Settings


def _shipped_charter() -> Path:
    return shipped("deploy") / "charters" / "card-fraud.toml"


def _in_home(name: str) -> Any:
    return Field(default_factory=lambda data: data["home"] / name)


class ScoringSettings(Settings):
    """``HEADRACE_<NAME>`` sets each."""

    model_config = SettingsConfigDict(env_prefix="HEADRACE_", env_ignore_empty=True)

    home: Path = Path(".headrace")
    """Where what is made at run time goes by default."""
    charter: Path = Field(default_factory=_shipped_charter)
    """The charter's file."""
    models: Path = _in_home("models")
    """One folder a use case, named as the charter, with the model that serves it."""
    keys: Path = _in_home("keys")
    """The signing key, for who freezes models, and the folder of trusted public keys."""

    def model_folder(self, use_case: str) -> Path:
        """Where the model of a use case lies."""
        return self.models / use_case

    @property
    def signing_key(self) -> Path:
        """The private key; scoring itself never reads it."""
        return self.keys / "signing.pem"

    @property
    def trusted_keys(self) -> Path:
        """The folder of public keys."""
        return self.keys / "trusted"
