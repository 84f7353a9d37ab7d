"""Services for a use case, as the processes that they are."""

import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from support.use_case import PROGRAM, WIDE, UseCase

_BUSY = 3
"""How many times as long a busy machine may take: what is waited for is told for a quiet one."""
_STOP_S = 120


@dataclass(frozen=True)
class Running:
    """A running service."""

    process: subprocess.Popen[bytes]
    address: str
    client: httpx.Client
    """One for all questions: to make one takes longer than to ask."""
    log: Path
    """Where its standard error goes."""

    def ask(self, path: str) -> httpx.Response:
        """Ask the health endpoint."""
        return self.client.get(self.address + path)

    def metrics(self) -> dict[str, float]:
        """Return every sample by its name and labels, as ``name{label="value"}``."""
        lines = self.ask("/metrics").text.splitlines()
        samples = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {name: float(value) for name, value in samples}

    def says(self, path: str) -> str:
        """Return what the health endpoint answers; nothing while it doesn't."""
        try:
            return self.ask(path).text
        except httpx.TransportError:
            return ""

    def is_ready(self) -> bool:
        """Say whether it processes events."""
        return '"ok":true' in self.says("/ready")

    def until(self, reached: Callable[[], object], timeout_s: float = 60.0) -> None:
        """Wait for a condition; fail where the process ends or the time is over."""
        until(lambda: self.process.poll() is not None or reached(), timeout_s, self.errors)
        assert self.process.poll() is None, self.errors()

    def stop(self) -> int:
        """Send SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(_STOP_S)

    def errors(self) -> str:
        """Return all that it has logged."""
        return self.log.read_text()

    def most_memory_mb(self) -> float:
        """Return the largest resident size that it ever had."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found
        return int(found[1]) / 1_024


def scoring(
    case: UseCase, *, ready: bool = True, **environment: object
) -> AbstractContextManager[Running]:
    """Run scoring for a while."""
    return run(case, "scoring", ready=ready, **environment)


@contextmanager
def run(
    case: UseCase, service: str, *, ready: bool = True, **environment: object
) -> Iterator[Running]:
    """Run a service for a while; killed where it still lives at the end.

    Parameters
    ----------
    ready
        Whether to wait until it is.
    environment
        Variables for it, as ``HEADRACE_BATCH_RECORDS=10``.
    """
    port = free_port()
    log = case.path.with_name(f"{service}-{port}.log")
    variables = case.environment(**{"HEADRACE_HEALTH_PORT": port, **WIDE, **environment})
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [PROGRAM, "run", service, "--charter", case.path], env=variables, stderr=stderr
        )
    running = Running(process, f"http://127.0.0.1:{port}", httpx.Client(timeout=30), log)
    try:
        if ready:
            running.until(running.is_ready)
        yield running
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(_STOP_S)
        running.client.close()


def until(
    reached: Callable[[], object], timeout_s: float, why: Callable[[], str] = lambda: ""
) -> None:
    """Wait for a condition; fail where the time is over, threefold."""
    end = time.monotonic() + _BUSY * timeout_s
    while not reached():
        assert time.monotonic() < end, f"not within {_BUSY * timeout_s} s. {why()}"
        time.sleep(0.05)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
