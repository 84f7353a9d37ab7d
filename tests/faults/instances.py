"""One process of a service, from its start to its end."""

import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from faults.waiting import PATIENCE_S, until

_TAIL_LINES = 15


class Instance:
    """A service's process; whatever happens to the test, it does not outlive the ``with`` block.

    Parameters
    ----------
    command, environment
        What is started.
    log
        The file for all that it says.
    port
        Of its health endpoint.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], log: Path, port: int
    ) -> None:
        self._command = command
        self._environment = dict(environment)
        self._log = log
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30.0)

    def __enter__(self) -> Self:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdout=log, stderr=log
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()  # it also ends one that is stopped
        self._process.wait(PATIENCE_S)
        self._client.close()
        lines = self._log.read_text(errors="replace").splitlines()
        print(f"--- {self._log.name}, exit {self._process.returncode}, its last lines:")
        print("\n".join(lines[-_TAIL_LINES:]))

    def said(self, text: str) -> bool:
        """Whether its log holds a text."""
        return text in self._log.read_text(errors="replace")

    def until_said(self, text: str) -> None:
        """Wait until its log holds a text."""
        until(lambda: self.said(text) or self.has_ended(), f"{self._log.name} says {text!r}")
        assert self.said(text), f"it ended with {self._process.returncode} before {text!r}"

    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self._process.poll() is not None

    def ended(self) -> int:
        """Wait for its end; return the exit code, a signal as a negative number."""
        return self._process.wait(PATIENCE_S)

    def stop(self) -> int:
        """Ask it to end, as a deployment does; return its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self.ended()

    def kill(self) -> None:
        """End it without a word."""
        self._process.kill()
        assert self.ended() == -signal.SIGKILL

    def go_on(self) -> None:
        """Continue it where it was stopped."""
        self._process.send_signal(signal.SIGCONT)

    def metric(self, name: str) -> float:
        """Return a metric's value, 0 where it has none yet; the name with its labels."""
        text = self._client.get("/metrics").text
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    def why_not_ready(self) -> str:
        """Return why it is not ready; empty where it is."""
        why: str = self._client.get("/ready").json()["why_not"]
        return why
