"""Scoring as a process of its own, as it runs anywhere else."""

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import httpx

from headrace.errors import HeadraceError

_START_S = 60.0
_STOP_S = 30.0


class Counts(NamedTuple):
    """Input records that have been processed."""

    processed: int
    duplicates: int
    """Of these, events that had been decided before."""


class ScoringProcess:
    """Runs ``headrace run scoring`` while the context lasts.

    Parameters
    ----------
    environment
        Added to this process's own.
    log
        File for what it writes.
    """

    def __init__(self, charter: Path, environment: dict[str, str], log: Path) -> None:
        self._charter = charter
        self._environment = environment
        self._log = log
        self._port = _free_port()
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{self._port}", timeout=5.0)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it and wait until it is ready.

        Raises
        ------
        HeadraceError
            It ended, or was not ready in time.
        """
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "headrace", "run", "scoring", "--charter", self._charter],
                env={**os.environ, **self._environment, "HEADRACE_HEALTH_PORT": str(self._port)},
                stdout=log,
                stderr=log,
                # A Ctrl-C is the demo's to handle: it stops this one gently, and last.
                start_new_session=True,
            )
        try:
            self._await_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it."""
        self._client.close()
        self.stop()

    def stop(self) -> int:
        """End it gently, or by force where that takes too long; return its exit code."""
        if self._process is None:
            return 0
        self._process.terminate()
        try:
            return self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def counts(self) -> Counts:
        """Return what it has committed so far.

        Raises
        ------
        HeadraceError
            It has ended.
        """
        self.require_alive()
        try:
            text = self._client.get("/metrics").text
        except httpx.TransportError:
            return Counts(0, 0)  # a busy moment: the next question will tell
        return Counts(_count("records", text), _count("duplicates", text))

    def why_not_ready(self) -> str:
        """Return why it is not ready, or nothing where it is."""
        self.require_alive()
        try:
            return str(self._client.get("/ready").json()["why_not"])
        except httpx.TransportError:
            return "it does not answer yet"

    def require_alive(self) -> None:
        """Raise HeadraceError where it has ended, with the end of its log."""
        if self._process is None or self._process.poll() is not None:
            lines = self._log.read_text("utf-8", "replace").splitlines()[-5:]
            raise HeadraceError("Scoring has ended:\n" + "\n".join(lines), fix=f"See {self._log}.")

    def _await_ready(self) -> None:
        until = time.monotonic() + _START_S
        while why_not := self.why_not_ready():
            if time.monotonic() > until:
                raise HeadraceError(
                    f"Scoring is not ready after {_START_S:.0f} s: {why_not}.",
                    fix=f"See {self._log}.",
                )
            time.sleep(0.1)


def _count(name: str, metrics: str) -> int:
    found = re.search(rf"^headrace_{name}_total (\S+)", metrics, re.MULTILINE)
    return int(float(found[1])) if found else 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
