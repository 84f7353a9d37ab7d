"""Where the local stack is: its folder and its ports."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_settings import SettingsConfigDict

from headrace.environment import Settings

HOST = "127.0.0.1"
CONFLUENT_API = "/apis/ccompat/v7"

# A class path, a list of log folders and a JDBC address each end at one of these.
_UNUSABLE = ":,;"


def _folder(path: Path) -> Path:
    """Return the path as Java can be told it."""
    absolute = path.expanduser().absolute()
    if not str(absolute).isprintable() or any(sign in str(absolute) for sign in _UNUSABLE):
        raise ValueError(f"a folder whose path has none of {' '.join(_UNUSABLE)} is needed")
    return absolute


Port = Annotated[int, Field(ge=1, le=65_535)]
Folder = Annotated[Path, AfterValidator(_folder)]


class LocalSettings(Settings):
    """The local stack's folder and ports; ``HEADRACE_<NAME>`` sets each."""

    model_config = SettingsConfigDict(env_prefix="HEADRACE_", env_ignore_empty=True)

    home: Folder = Field(default=Path(".headrace"), validate_default=True)
    """Holds everything that the local stack writes."""
    jars: Folder = Field(default=Path(), validate_default=True)
    """Holds the downloaded programs; ``jars`` in ``home`` unless set."""
    kafka_port: Port = 19_092
    controller_port: Port = 19_093
    registry_port: Port = 18_081
    zipkin_port: Port = 19_411

    @model_validator(mode="after")
    def _jars_are_at_home(self) -> Self:
        if "jars" not in self.model_fields_set:
            self.jars = self.home / "jars"
        return self

    @model_validator(mode="after")
    def _ports_differ(self) -> Self:
        ports = (self.kafka_port, self.controller_port, self.registry_port, self.zipkin_port)
        if len(set(ports)) < len(ports):
            raise ValueError("the local stack's four ports must differ")
        return self

    @property
    def bootstrap_servers(self) -> str:
        """Where clients find the local broker."""
        return f"{HOST}:{self.kafka_port}"

    @property
    def registry_url(self) -> str:
        """Where clients find the local registry's Confluent API."""
        return f"http://{HOST}:{self.registry_port}{CONFLUENT_API}"

    @property
    def traces_url(self) -> str:
        """Where the local Zipkin takes and shows traces."""
        return f"http://{HOST}:{self.zipkin_port}"
