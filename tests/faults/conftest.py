"""What fault tests stand on: a use case of the test's own, and a broker that may be harmed."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from conftest import Stack
from faults.proxy import HOST
from faults.use_case import UseCase
from faults.waiting import free_ports
from headrace.contracts.registry import Registry, RegistrySettings
from headrace.local.kafka import KafkaBroker
from headrace.local.programs import Programs
from headrace.local.settings import LocalSettings


class HarmedBroker(NamedTuple):
    """A broker for these tests alone, and the ports of its second listener."""

    broker: KafkaBroker
    proxy_port: int
    """What it advertises there: where a proxy has to listen."""
    behind_proxy: int
    """Where it listens."""

    def has_lost_markers(self) -> bool:
        """Whether its log up to the last restart says so (docs/decisions/0011-a-lost-marker.md)."""
        log = self.broker.process.log.with_suffix(".previous.log").read_text("utf-8", "replace")
        return "while trying to send transaction markers" in log and "hence can be skipped" in log


@pytest.fixture(scope="session")
def registry(stack: Stack) -> Iterator[Registry]:
    registry = Registry(RegistrySettings(url=stack.registry_url))
    yield registry
    registry._client.__exit__(None, None, None)


@pytest.fixture
def case(stack: Stack, registry: Registry, use_case: str, tmp_path: Path) -> Iterator[UseCase]:
    """A use case on the shared broker."""
    with UseCase(use_case, tmp_path, registry, stack.registry_url, stack.bootstrap_servers) as case:
        yield case


@pytest.fixture(scope="session")
def harmed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HarmedBroker]:
    """One broker for all tests that harm it; each leaves it running."""
    programs = Programs(LocalSettings().jars)
    programs.fetch()
    folder = tmp_path_factory.mktemp("broker")
    port, controller_port, behind_proxy, proxy_port = free_ports(4)
    broker = KafkaBroker(
        folder / "kafka",
        folder / "kafka.log",
        programs.kafka,
        port=port,
        controller_port=controller_port,
        proxied=(behind_proxy, proxy_port),
    )
    try:
        broker.start()
        broker.wait_ready()
        yield HarmedBroker(broker, proxy_port, behind_proxy)
    finally:
        broker.process.kill()


@pytest.fixture
def harmed_case(
    harmed: HarmedBroker, stack: Stack, registry: Registry, use_case: str, tmp_path: Path
) -> Iterator[UseCase]:
    """A use case on the broker that may be harmed."""
    address = harmed.broker.address
    with UseCase(use_case, tmp_path, registry, stack.registry_url, address) as case:
        yield case


@pytest.fixture
def proxied_case(
    harmed: HarmedBroker, stack: Stack, registry: Registry, use_case: str, tmp_path: Path
) -> Iterator[UseCase]:
    """A use case on that broker whose services reach it through the proxy's port."""
    address, proxied = harmed.broker.address, f"{HOST}:{harmed.proxy_port}"
    with UseCase(use_case, tmp_path, registry, stack.registry_url, address, proxied) as case:
        yield case
