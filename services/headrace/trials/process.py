"""A program that runs beside this one, and is stopped with it."""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from headrace.errors import HeadraceError

_STOP_S = 30.0
_LAST_LINES = 5


class BesideProcess:
    """Runs a program while the context lasts.

    Parameters
    ----------
    name
        As people call it.
    command, environment
        What is started; the environment is added to this process's own.
    log
        File for what it writes.
    """

    def __init__(
        self, name: str, command: Sequence[str | Path], environment: Mapping[str, str], log: Path
    ) -> None:
        self._name = name
        self._command = command
        self._environment = environment
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                env={**os.environ, **self._environment},
                stdout=log,
                stderr=log,
                # A Ctrl-C is ours to handle: it stops this one gently, and last.
                start_new_session=True,
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it."""
        self.stop()

    def most_memory_mb(self) -> float:
        """Return the largest resident size that it ever had.

        Raises
        ------
        HeadraceError
            It has ended.
        """
        self.require_alive()
        assert self._process is not None  # noqa: S101 -- it lives
        status = Path(f"/proc/{self._process.pid}/status")
        if not status.exists():  # no Linux
            return 0.0
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text("utf-8"))
        return int(found[1]) / 1_024 if found else 0.0

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

    def require_alive(self) -> None:
        """Raise HeadraceError where it has ended, with the end of its log."""
        if self._process is None or self._process.poll() is not None:
            lines = self.log.read_text("utf-8", "replace").splitlines()[-_LAST_LINES:]
            raise HeadraceError(
                f"{self._name} has ended:\n" + "\n".join(lines), fix=f"See {self.log}."
            )
