"""What all tests share."""

import os
import signal
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

# Who runs the tests in the background may have Ctrl-C ignored, and every process that a test
# starts would inherit that; tests of Ctrl-C need it to mean what it means at a terminal.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Workers of pytest-xdist share the downloaded programs, and nothing else: all but the first have a
# stack of their own, in another folder and on other ports.
_STACK_PORTS = {"KAFKA": 19_092, "CONTROLLER": 19_093, "REGISTRY": 18_081, "ZIPKIN": 19_411}
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
if _worker:
    _home = Path(os.environ.get("HEADRACE_HOME") or ".headrace").absolute()
    os.environ.setdefault("HEADRACE_JARS", str(_home / "jars"))
    os.environ["HEADRACE_HOME"] = str(_home / "tests" / f"worker-{_worker}")
    for _part, _default in _STACK_PORTS.items():
        _port = int(os.environ.get(f"HEADRACE_{_part}_PORT") or _default)
        os.environ[f"HEADRACE_{_part}_PORT"] = str(_port + 1_000 * _worker)

# A broker of the tests lives for minutes and is never in a hurry: compiling it better than this,
# and collecting its garbage in parallel, took nearly a fifth of all processor time.
os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")

# How long an example takes says how busy the machine is, and nothing about the code. The examples
# are the same in every run; `--hypothesis-profile=explore` looks for new ones, and prints how to
# repeat what it finds.
settings.register_profile("headrace", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=2_000, print_blob=True)
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
