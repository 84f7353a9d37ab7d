"""One Zipkin on this machine alone, its traces kept in memory."""

import shutil
from pathlib import Path

from headrace.contracts.location import shipped
from headrace.local.java import java_command
from headrace.local.probe import zipkin_answers
from headrace.local.process import DetachedProcess
from headrace.local.settings import HOST

_HEAP_MB = 256
_START_TIMEOUT_S = 180.0


class Zipkin:
    """A Zipkin that takes, keeps and shows traces until it is stopped.

    Parameters
    ----------
    folder
        Holds its scratch files and run file.
    log
        The file that it writes its log to.
    program
        Its jar.
    port
        Where traces are sent and read.
    """

    def __init__(self, folder: Path, log: Path, program: Path, *, port: int) -> None:
        self.port = port
        self.process = DetachedProcess("Zipkin", folder / "run", log)
        self._folder = folder
        self._program = program

    @property
    def address(self) -> str:
        """Where its page is, and under ``/api/v2`` where traces are sent and read."""
        return f"http://{HOST}:{self.port}"

    @property
    def ports(self) -> dict[str, int]:
        """The port that it listens on, by the setting that changes it."""
        return {"HEADRACE_ZIPKIN_PORT": self.port}

    def start(self) -> None:
        """Start it, without any traces; :meth:`wait_ready` says when it can be used."""
        scratch = self._folder / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        settings = {
            "spring.config.additional-location": shipped("deploy") / "local" / "zipkin.properties",
            "server.port": self.port,
            # Armeria's own resolver, though it looks nothing up here, opens a UDP port to everyone.
            "com.linecorp.armeria.useJdkDnsResolver": "true",
        }
        flags = [f"-D{name}={value}" for name, value in settings.items()]
        # It serves few requests: to start fast is worth more to it than to run fast.
        flags += ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError"]
        self.process.start(
            java_command(*flags, "-jar", str(self._program), heap_mb=_HEAP_MB, scratch=scratch),
            self.port,
        )

    def is_ready(self) -> bool:
        """Whether it answers clients."""
        return zipkin_answers(self.address)

    def wait_ready(self, timeout_s: float = _START_TIMEOUT_S) -> None:
        """Wait until it answers clients; HeadraceError with its log's end if it does not."""
        self.process.wait_ready(self.is_ready, timeout_s)
