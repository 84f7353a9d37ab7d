"""Where scoring finds its charter, its model and the keys that it trusts."""

from pathlib import Path

from pydantic import Field

from headrace.chassis.settings import UseCaseSettings


class ScoringSettings(UseCaseSettings):
    """``HEADRACE_<NAME>`` sets each."""

    models: Path = Field(default_factory=lambda data: data["home"] / "models")
    """One folder a use case, named as the charter, with the model that serves it."""

    def model_folder(self, use_case: str) -> Path:
        """Where the model of a use case lies."""
        return self.models / use_case
