"""What all tests share."""

import os
import signal
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import settings

# Who runs the tests in the background may have Ctrl-C ignored, and every process that a test
# starts would inherit that; tests of Ctrl-C need it to mean what it means at a terminal.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says how busy the machine is, and nothing about the code.
settings.register_profile("headrace", deadline=None)
settings.load_profile("headrace")


@dataclass(frozen=True)
class Stack:
    """Where the broker and the registry are."""

    bootstrap_servers: str
    registry_url: str


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The local stack, started where it does not run yet; one that ran before is left running."""
    from headrace.chassis.settings import KafkaSettings
    from headrace.contracts.registry import RegistrySettings
    from headrace.local.stack import LocalSettings, LocalStack

    if os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        yield Stack(KafkaSettings().bootstrap_servers, RegistrySettings().url)
        return
    local = LocalStack(LocalSettings())
    ran_before = local.is_running()
    local.up()
    yield Stack(KafkaSettings().bootstrap_servers, RegistrySettings().url)
    if not ran_before:
        local.down()


@pytest.fixture
def use_case() -> str:
    """A use case of the test's own, so that no topic is shared."""
    return f"test-{uuid.uuid4().hex[:8]}"
