"""Where labelling finds its charter."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from headrace.contracts.location import shipped
from headrace.environment import Settings


class LabellingSettings(Settings):
    """``HEADRACE_<NAME>`` sets each."""

    model_config = SettingsConfigDict(env_prefix="HEADRACE_", env_ignore_empty=True)

    charter: Path = Field(
        default_factory=lambda: shipped("deploy") / "charters" / "card-fraud.toml"
    )
    """The charter's file."""
