"""Where the cluster is and how a stream behaves, from the environment."""

import os
import socket
from collections.abc import Mapping

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_SECURITY_PREFIXES = ("KAFKA_SECURITY_", "KAFKA_SASL_", "KAFKA_SSL_", "KAFKA_ENABLE_SSL_")


class KafkaSettings(BaseSettings):
    """The cluster's address; security settings pass through (see :func:`security`)."""

    model_config = SettingsConfigDict(env_prefix="KAFKA_")

    bootstrap_servers: str = Field(
        default_factory=lambda: f"127.0.0.1:{os.environ.get('HEADRACE_KAFKA_PORT') or 19_092}"
    )
    """The local stack's where none is named."""


class StreamSettings(BaseSettings):
    """How a stream fetches, commits, gives up and is named; ``HEADRACE_<NAME>`` sets each."""

    model_config = SettingsConfigDict(env_prefix="HEADRACE_")

    instance: str = Field(default_factory=socket.gethostname)
    """Names this instance; stable over its restarts, so that the restarted one ends what the
    killed one left open. Two running instances of a service need different names."""
    batch_records: int = Field(default=1_000, ge=1, le=100_000)
    """Most input records in one transaction."""
    session_timeout_ms: int = Field(default=10_000, ge=1_000)
    """A member silent for so long loses its partitions."""
    transaction_timeout_ms: int = Field(default=10_000, ge=1_000)
    """A transaction open for so long is aborted by the broker."""
    settle_timeout_s: float = Field(default=60.0, gt=0)
    """How long a lost broker is waited for before the process ends."""
    dead_letter_ratio: float = Field(default=0.5, gt=0, le=1)
    """Share of dead letters among the latest records past which the service pauses."""
    dead_letter_window: int = Field(default=1_000, ge=1)
    """How many of the latest records the ratio is taken over."""
    dead_letter_run: int = Field(default=200, ge=1)
    """Dead letters in an unbroken row past which the service pauses."""
    dead_letter_limit: bool = True
    """False: never pause, whatever the dead letters."""
    health_host: str = "127.0.0.1"
    health_port: int | None = Field(default=None, ge=0, le=65_535)
    """Port of the health endpoint: the service's own where unset; 0 takes any free one."""

    @field_validator("instance")
    @classmethod
    def _instance_is_named(cls, instance: str) -> str:
        if not instance.strip():
            raise ValueError("an instance needs a name; set HEADRACE_INSTANCE")
        return instance


def security(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return librdkafka's security settings as named in the environment.

    ``KAFKA_SASL_USERNAME`` becomes ``sasl.username``, ``KAFKA_SSL_CA_LOCATION`` becomes
    ``ssl.ca.location``, and so on for every variable with a security prefix.
    """
    return {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in environment.items()
        if name.startswith(_SECURITY_PREFIXES)
    }
