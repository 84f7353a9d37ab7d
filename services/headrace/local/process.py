"""One detached process, found again by any later command.

The process holds a lock on its *run file* (``flock``, inherited from the command that starts it)
for as long as it lives, and writes its own pid into it. So a process is alive exactly when the
lock is held: a stale file, a reused pid, or a starter killed at any moment cannot deceive.
"""

import contextlib
import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from headrace.errors import HeadraceError

# Nothing of the caller's, whose KAFKA_*, QUARKUS_* and JAVA_* are meant for others; and UTF-8, so
# that a folder may have any name.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}

_POLL_S = 0.02
_KILL_S = 30.0
_LAST_LINES = 12
# The inner shell becomes the program, so that `$$` is the program's pid; the outer one leaves it
# to init, so that nobody has to stay to bury it.
_DETACH = '"$@" &'
_BECOME = 'printf "%s %s\\n" "$$" "$1" > "$2" || exit 1; shift 2; exec "$@"'


@dataclass(frozen=True, slots=True)
class Running:
    """A process that is alive."""

    pid: int
    port: int
    """The port that it was started on, whatever the settings say now."""
    since: datetime


class DetachedProcess:
    """A process in a session of its own, so that Ctrl-C in a terminal does not reach it."""

    def __init__(self, name: str, run_file: Path, log: Path) -> None:
        self.name = name
        self.log = log
        self._run_file = run_file

    def running(self) -> Running | None:
        """Return the process if it is alive."""
        while self._is_locked():
            written = self._run_file.read_text()
            if written.endswith("\n"):
                pid, port = written.split()
                since = datetime.fromtimestamp(self._run_file.stat().st_mtime, UTC)
                return Running(int(pid), int(port), since)
            time.sleep(_POLL_S)  # it has been started a moment ago and will write its pid
        return None

    def start(self, command: Sequence[str], port: int) -> None:
        """Start it; the log before last is forgotten.

        Raises
        ------
        RuntimeError
            Where it is running.
        """
        if self.running():
            raise RuntimeError(f"{self.name} is running")
        self._run_file.parent.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".previous.log"))
        with self._run_file.open("a") as run_file, self.log.open("wb") as log:
            fcntl.flock(run_file, fcntl.LOCK_EX)  # waits for those who look, no longer
            run_file.truncate(0)
            become = ["/bin/sh", "-c", _BECOME, self.name, str(port), str(self._run_file)]
            subprocess.run(
                ["/bin/sh", "-c", _DETACH, self.name, *become, *command],
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=[run_file.fileno()],
                cwd=self._run_file.parent,
                env=ENVIRONMENT,
            )

    def wait_ready(self, is_ready: Callable[[], bool], timeout_s: float) -> None:
        """Wait until ``is_ready`` holds.

        Raises
        ------
        HeadraceError
            With the log's last lines, where the process ends before or is not ready in time.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            ready = is_ready()
            if not self._is_locked():  # asked last: whoever answered, it was not this one
                raise self._failure("ended before it was ready")
            if ready:
                return
            if time.monotonic() > deadline:
                raise self._failure(f"was not ready after {timeout_s:.0f} s")
            time.sleep(_POLL_S)

    def stop(self, timeout_s: float = 20.0) -> bool:
        """Stop it: SIGTERM, and SIGKILL if it is still there after ``timeout_s``.

        Returns
        -------
        bool
            Whether it ended by itself (or was not running at all).
        """
        if self._ended_by(signal.SIGTERM, timeout_s):
            return True
        self.kill()
        return False

    def kill(self) -> None:
        """Kill it with SIGKILL and wait until it is gone."""
        if not self._ended_by(signal.SIGKILL, _KILL_S):
            raise self._failure(f"is still there {_KILL_S:.0f} s after SIGKILL")

    def _ended_by(self, number: signal.Signals, timeout_s: float) -> bool:
        if running := self.running():
            with contextlib.suppress(ProcessLookupError):  # it may end in between
                os.kill(running.pid, number)
        deadline = time.monotonic() + timeout_s
        while self._is_locked():
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_S)
        return True

    def _is_locked(self) -> bool:
        try:
            with self._run_file.open("r") as run_file:
                fcntl.flock(run_file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def _failure(self, what: str) -> HeadraceError:
        log = self.log.read_text(errors="replace") if self.log.exists() else ""
        lines = log.splitlines()[-_LAST_LINES:]
        said = "\n".join(f"  {line}" for line in lines) or "  (nothing)"
        return HeadraceError(
            f"{self.name} {what}. The last lines of {self.log}:\n{said}",
            fix="Mend what the log says, then run `headrace down` and `headrace up`.",
        )
