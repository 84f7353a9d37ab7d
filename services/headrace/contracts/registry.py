"""The schema registry, by Confluent's API: which id a schema has, and which schema an id has."""

import json
import os
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, Literal, TypeVar

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from headrace.contracts.compatibility import incompatibilities
from headrace.environment import Settings
from headrace.errors import HeadraceError

REQUEST_TIMEOUT_S: Final = 5.0
LARGEST_ID: Final = 2**31 - 1
"""Ids are Java's ints: asked for a larger one, Confluent's registry answers as if there were no
such address, which would be waited out as if it were none of its own answers."""
UNKNOWN_REMEMBERED_S: Final = 30.0
UNKNOWN_REMEMBERED_MAX: Final = 10_000

_T = TypeVar("_T")

Compatibility = Literal[
    "NONE",
    "BACKWARD",
    "BACKWARD_TRANSITIVE",
    "FORWARD",
    "FORWARD_TRANSITIVE",
    "FULL",
    "FULL_TRANSITIVE",
]


class RegistrySettings(Settings):
    """How to reach the registry; read from ``SCHEMA_REGISTRY_*``."""

    model_config = SettingsConfigDict(env_prefix="SCHEMA_REGISTRY_", frozen=True)

    url: str = Field(
        default_factory=lambda: (
            f"http://127.0.0.1:{os.environ.get('HEADRACE_REGISTRY_PORT') or 18_081}/apis/ccompat/v7"
        )
    )
    """The local stack's where none is named."""
    basic_auth: SecretStr | None = None
    ca_location: str | None = None


class RegistryUnavailable(HeadraceError):
    """The registry cannot be asked: unreachable, or it answers with an error of its own."""


class Registry:
    """One registry, asked synchronously.

    Parameters
    ----------
    settings
        Where it is.
    monotonic_s
        Clock by which unknown ids are forgotten again.

    Raises
    ------
    HeadraceError
        An address, a credential or a certificate that cannot be used.
    """

    def __init__(
        self, settings: RegistrySettings, monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = settings.url
        self._client = _client(settings)
        weakref.finalize(self, self._client.close)
        self._monotonic_s = monotonic_s
        self._writers: dict[int, dict[str, Any]] = {}
        self._unknown: OrderedDict[int, float] = OrderedDict()

    def schema_id(self, subject: str, schema: dict[str, Any]) -> int:
        """Look up the id of exactly this schema; never registers.

        Raises
        ------
        HeadraceError
            The subject has no such schema.
        RegistryUnavailable
            The registry cannot be asked.
        """
        found = self.find(subject, schema)
        if found is None:
            raise HeadraceError(
                f"The registry at {self._url} has no schema under {subject} that equals ours.",
                fix="Run `headrace topics apply`.",
            )
        self._writers[found] = schema  # what we write we can read, also while it is away
        return found

    def find(self, subject: str, schema: dict[str, Any]) -> int | None:
        """Look up the id of exactly this schema; None where the subject does not have it."""
        try:
            return self._ask(lambda: self._client.lookup_schema(subject, _avro(schema)).schema_id)
        except KeyError:
            return None

    def writer(self, schema_id: int) -> dict[str, Any]:
        """Return the schema that an id stands for; asks once for each id.

        Raises
        ------
        KeyError
            The registry does not know the id.
        RegistryUnavailable
            The registry cannot be asked and the id was never found before.
        """
        known = self._writers.get(schema_id)
        if known is not None:
            return known
        if schema_id > LARGEST_ID:
            raise KeyError(schema_id)
        self._raise_if_remembered(schema_id)
        try:
            answer = self._ask(lambda: self._client.get_schema(schema_id))
        except KeyError:
            self._remember(schema_id)
            raise
        schema = _parsed(answer.schema_str)
        self._writers[schema_id] = schema
        return schema

    def latest(self, subject: str) -> dict[str, Any] | None:
        """Return the subject's newest schema; None where it has none."""
        try:
            newest = self._ask(lambda: self._client.get_latest_version(subject))
        except KeyError:
            return None
        return _parsed(newest.schema.schema_str)

    def versions(self, subject: str) -> dict[int, dict[str, Any]]:
        """Return every version of the subject by its number; empty where it has none."""
        try:
            numbers = self._ask(lambda: self._client.get_versions(subject))
        except KeyError:
            return {}
        return {number: self._version(subject, number) for number in numbers}

    def register(self, subject: str, schema: dict[str, Any]) -> int:
        """Register the schema under the subject, or find it there; returns its id.

        Raises
        ------
        HeadraceError
            The registry refuses it, with the registry's own words.
        """
        return self._ask(lambda: self._client.register_schema(subject, _avro(schema)))

    def compatibility(self, subject: str) -> str | None:
        """Return the level that is set for the subject itself; None where none is."""
        try:
            return self._ask(lambda: self._client.get_compatibility(subject))
        except KeyError:
            return None

    def set_compatibility(self, subject: str, level: Compatibility) -> None:
        """Set the subject's level."""
        self._ask(lambda: self._client.set_compatibility(subject, level))

    def is_compatible(self, subject: str, schema: dict[str, Any]) -> list[str]:
        """Return why the schema cannot follow the subject's versions; empty when it can.

        Our own check gives the words, and counts where the subject is kept at a weaker level;
        the registry's verdict counts in any case. A subject without versions takes anything.
        """
        versions = self.versions(subject)
        reasons = [
            f"version {number}: {reason}"
            for number, version in versions.items()
            for reason in incompatibilities(schema, version)
        ]
        if versions and not reasons and not self._approves(subject, schema):
            return ["the registry calls it incompatible and does not say why"]
        return reasons

    def _approves(self, subject: str, schema: dict[str, Any]) -> bool:
        client = self._client
        return self._ask(lambda: client.test_compatibility_all_versions(subject, _avro(schema)))

    def _version(self, subject: str, number: int) -> dict[str, Any]:
        found = self._ask(lambda: self._client.get_version(subject, number))
        return _parsed(found.schema.schema_str)

    def _raise_if_remembered(self, schema_id: int) -> None:
        until_s = self._unknown.get(schema_id)
        if until_s is None:
            return
        if self._monotonic_s() < until_s:
            raise KeyError(schema_id)
        del self._unknown[schema_id]

    def _remember(self, schema_id: int) -> None:
        self._unknown[schema_id] = self._monotonic_s() + UNKNOWN_REMEMBERED_S
        if len(self._unknown) > UNKNOWN_REMEMBERED_MAX:
            self._unknown.popitem(last=False)

    def _ask(self, question: Callable[[], _T]) -> _T:
        """Ask, and turn the client's errors into ours: KeyError for what is not there."""
        try:
            return question()
        except SchemaRegistryError as error:
            raise self._ours(error) from error
        except (ValueError, KeyError, TypeError) as error:
            raise RegistryUnavailable(
                f"What answers at {self._url} is not in Confluent's format.",
                fix="Set SCHEMA_REGISTRY_URL to the address of the registry's Confluent API.",
            ) from error
        except Exception as error:  # which HTTP library the client uses is its own affair
            raise RegistryUnavailable(
                f"The schema registry at {self._url} does not answer ({type(error).__name__}).",
                fix="Start it with `headrace up`, or set SCHEMA_REGISTRY_URL to yours.",
            ) from error

    def _ours(self, error: SchemaRegistryError) -> Exception:
        # Confluent's own codes, because any web server answers 404 at a wrong address.
        if (error.error_code or 0) // 100 == HTTPStatus.NOT_FOUND:
            return KeyError(error.error_message)
        if error.http_status_code in (HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY):
            return HeadraceError(f"The schema registry refuses: {error.error_message}")
        return RegistryUnavailable(
            f"The schema registry at {self._url} answers {error.http_status_code}: "
            f"{error.error_message}",
            fix="Look at the registry's log; for 401 or 403 set SCHEMA_REGISTRY_BASIC_AUTH.",
        )


def _client(settings: RegistrySettings) -> SchemaRegistryClient:
    config: dict[str, Any] = {
        "url": settings.url,
        "timeout": REQUEST_TIMEOUT_S,
        "max.retries": 2,
        "retries.wait.ms": 100,
        "retries.max.wait.ms": 1_000,
    }
    if settings.basic_auth is not None:
        config["basic.auth.user.info"] = settings.basic_auth.get_secret_value()
    if settings.ca_location is not None:
        config["ssl.ca.location"] = settings.ca_location
    try:
        return SchemaRegistryClient(config)
    except (ValueError, OSError) as error:
        raise HeadraceError(
            f"The schema registry's settings cannot be used: {error}",
            fix="Correct SCHEMA_REGISTRY_URL, SCHEMA_REGISTRY_BASIC_AUTH (user:password) or "
            "SCHEMA_REGISTRY_CA_LOCATION.",
        ) from error


def _avro(schema: dict[str, Any]) -> Schema:
    return Schema(json.dumps(schema), schema_type="AVRO")


def _parsed(text: str | None) -> dict[str, Any]:
    """Read a registered schema; empty when it is no Avro record at all."""
    try:
        schema = json.loads(text or "null")
    except (ValueError, RecursionError):
        return {}
    return schema if isinstance(schema, dict) else {}
