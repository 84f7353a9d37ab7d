"""Where the cluster is, how a stream behaves, and what is traced: from the environment."""

import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, Field, field_validator
from pydantic_settings import SettingsConfigDict

from headrace.contracts.location import shipped
from headrace.environment import Settings

_SECURITY_PREFIXES = ("KAFKA_SECURITY_", "KAFKA_SASL_", "KAFKA_SSL_", "KAFKA_ENABLE_SSL_")


class KafkaSettings(Settings):
    """The cluster's address; security settings pass through (see :func:`security`)."""

    model_config = SettingsConfigDict(env_prefix="KAFKA_")

    bootstrap_servers: str = Field(
        default_factory=lambda: f"127.0.0.1:{os.environ.get('HEADRACE_KAFKA_PORT') or 19_092}"
    )
    """The local stack's where none is named."""


def _in_home(name: str) -> Any:
    return Field(default_factory=lambda data: data["home"] / name)


class UseCaseSettings(Settings):
    """Where a service finds its use case; ``HEADRACE_<NAME>`` sets each."""

    model_config = SettingsConfigDict(env_prefix="HEADRACE_", env_ignore_empty=True)

    home: Path = Path(".headrace")
    """Where what is made at run time goes by default."""
    charter: Path = Field(
        default_factory=lambda: shipped("deploy") / "charters" / "card-fraud.toml"
    )
    """The charter's file."""
    keys: Path = _in_home("keys")
    """The signing key, for who freezes models, and the folder of trusted public keys."""

    @property
    def signing_key(self) -> Path:
        """The private key; scoring itself never reads it."""
        return self.keys / "signing.pem"

    @property
    def trusted_keys(self) -> Path:
        """The folder of public keys."""
        return self.keys / "trusted"


class StreamSettings(Settings):
    """How a stream fetches, commits, gives up and is named; ``HEADRACE_<NAME>`` sets each."""

    model_config = SettingsConfigDict(env_prefix="HEADRACE_")

    instance: str = Field(default_factory=socket.gethostname)
    """Names this instance; stable over its restarts, so that the restarted one ends what the
    killed one left open. Two running instances of a service need different names."""
    batch_records: int = Field(default=2_000, ge=1, le=100_000)
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
    heartbeat_every_s: float = Field(default=10.0, gt=0)
    """How often a sign of life goes to alerting, which misses who does not send one."""
    health_host: str = "127.0.0.1"
    health_port: int | None = Field(default=None, ge=0, le=65_535)
    """Port of the health endpoint: the service's own where unset; 0 takes any free one."""

    @field_validator("instance")
    @classmethod
    def _instance_is_named(cls, instance: str) -> str:
        if not instance.strip():
            raise ValueError("an instance needs a name; set HEADRACE_INSTANCE")
        return instance


class TelemetrySettings(Settings):
    """What is traced, and where that goes: OpenTelemetry's own variables.

    https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/. Those that
    are not here are read by its SDK and its exporters, as ``OTEL_EXPORTER_OTLP_ENDPOINT``,
    ``OTEL_RESOURCE_ATTRIBUTES`` and ``OTEL_BSP_SCHEDULE_DELAY``.
    """

    model_config = SettingsConfigDict(env_prefix="OTEL_", env_ignore_empty=True)

    sdk_disabled: bool = False
    """True: nothing is traced, and what comes is handed on."""
    traces_exporter: str = ""
    """Comma-separated: zipkin, otlp, console, none, or another that is installed."""
    traces_sampler: Literal[
        "always_on",
        "always_off",
        "traceidratio",
        "parentbased_always_on",
        "parentbased_always_off",
        "parentbased_traceidratio",
    ] = "parentbased_traceidratio"
    traces_sampler_arg: float = Field(default=0.01, ge=0, le=1)
    """Share of the traces that begin here which is recorded."""
    otlp_protocol: Literal["http/protobuf", "grpc"] = Field(
        default="http/protobuf",
        validation_alias=AliasChoices(
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"
        ),
    )
    zipkin_port: int = Field(default=19_411, validation_alias="HEADRACE_ZIPKIN_PORT")
    """The local stack's."""
    trace_page: str = Field(default="", validation_alias="HEADRACE_TRACE_PAGE")
    """Address of a trace's page, with ``{trace_id}`` in it; the local Zipkin's where unset."""

    @field_validator("traces_sampler", "traces_exporter", mode="before")
    @classmethod
    def _case_is_nothing(cls, value: str) -> str:
        return value.lower()

    @property
    def exporters(self) -> Sequence[str]:
        """Names of the exporters; nothing leaves a machine unless that is asked for."""
        if self.sdk_disabled:
            return ()
        names = [name.strip() for name in self.traces_exporter.split(",") if name.strip()]
        if not names:
            names = self._usual_exporters()
        return [name for name in names if name != "none"]

    def _usual_exporters(self) -> list[str]:
        endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
        if any(map(os.environ.get, endpoints)):
            return ["otlp"]
        return ["zipkin"] if _uses_local_stack() else []

    def entry_point(self, exporter: str) -> str:
        """Return the name under which an exporter is installed."""
        otlp = "otlp_proto_grpc" if self.otlp_protocol == "grpc" else "otlp_proto_http"
        return {"zipkin": "zipkin_json", "otlp": otlp}.get(exporter, exporter)

    @property
    def rate(self) -> float:
        """Share of the traces that begin here which is recorded."""
        if self.traces_sampler.endswith("traceidratio"):
            return self.traces_sampler_arg
        return float(self.traces_sampler.endswith("always_on"))

    @property
    def follows_parent(self) -> bool:
        """Whether what the one before has decided holds."""
        return self.traces_sampler.startswith("parentbased")

    @property
    def local_zipkin(self) -> str:
        """Address of the local stack's Zipkin, where spans go there; else nothing."""
        elsewhere = os.environ.get("OTEL_EXPORTER_ZIPKIN_ENDPOINT")
        is_local = "zipkin" in self.exporters and _uses_local_stack() and not elsewhere
        return f"http://127.0.0.1:{self.zipkin_port}" if is_local else ""

    def page_of(self, trace_id: str) -> str:
        """Return the address of a trace's page; nothing where there is none."""
        if self.trace_page:
            return self.trace_page.replace("{trace_id}", trace_id)
        return f"{self.local_zipkin}/zipkin/traces/{trace_id}" if self.local_zipkin else ""


def _uses_local_stack() -> bool:
    return not os.environ.get("KAFKA_BOOTSTRAP_SERVERS")


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
