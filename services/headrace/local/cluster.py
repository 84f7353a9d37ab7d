"""A cluster of one's own, in place of the local stack."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from headrace.errors import HeadraceError
from headrace.local.status import PartStatus

_TIMEOUT_S = 5.0
_KAFKA, _REGISTRY = "KAFKA_BOOTSTRAP_SERVERS", "SCHEMA_REGISTRY_URL"


@dataclass(frozen=True, slots=True)
class OwnCluster:
    """The broker and the registry that the environment names."""

    bootstrap_servers: str
    registry_url: str

    @classmethod
    def named(cls) -> Self | None:
        """Return the cluster that the environment names, or None.

        Raises
        ------
        HeadraceError
            Where only one of the two variables is set: the other half would be the local
            stack's in silence.
        """
        kafka, registry = os.environ.get(_KAFKA, ""), os.environ.get(_REGISTRY, "")
        if bool(kafka) != bool(registry):
            given, absent = (_KAFKA, _REGISTRY) if kafka else (_REGISTRY, _KAFKA)
            raise HeadraceError(
                f"{given} is set, but {absent} is not.",
                fix=f"Set both to use your own cluster, or unset {given} to use the local stack.",
            )
        return cls(kafka, registry) if kafka else None

    def status(self) -> list[PartStatus]:
        """Ask both, with the security settings of the environment."""
        return [
            _status("Kafka", self.bootstrap_servers, _ask_kafka),
            _status("Schema registry", self.registry_url, _ask_registry),
        ]


def _status(name: str, address: str, ask: Callable[[], object]) -> PartStatus:
    try:
        ask()
    except Exception as error:  # noqa: BLE001 -- each client raises its own, and all mean this
        return PartStatus(name, "not ready", address, reason=_plain(error))
    return PartStatus(name, "ready", address)


def _plain(error: Exception) -> str:
    """Return what it says; Kafka's errors wrap that in codes."""
    said = getattr(error.args[0] if error.args else error, "str", None)
    return str(said() if said else error)


def _ask_kafka() -> None:
    from headrace.chassis.clients import Clients
    from headrace.chassis.settings import KafkaSettings

    Clients(KafkaSettings()).admin().list_topics(timeout=_TIMEOUT_S)


def _ask_registry() -> None:
    from headrace.contracts.registry import Registry, RegistrySettings

    Registry(RegistrySettings()).latest("headrace-asks-whether-you-answer")
