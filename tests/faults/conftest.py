"""What fault tests stand on: a use case of the test's own, and a broker that may be harmed."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from conftest import Stack
from faults.use_case import UseCase
from headrace.contracts.registry import Registry, RegistrySettings

SEEDS = int(os.environ.get("HEADRACE_FAULT_SEEDS") or 2)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a crash point every seed, and the slower scenarios every tenth as many."""
    if "seed" in metafunc.fixturenames:
        many = metafunc.definition.get_closest_marker("slow") is None
        metafunc.parametrize("seed", range(SEEDS if many else max(1, SEEDS // 10)))


@pytest.fixture(scope="session")
def registry(stack: Stack) -> Registry:
    return Registry(RegistrySettings(url=stack.registry_url))
