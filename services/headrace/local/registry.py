"""One Apicurio Registry on this machine alone, its schemas kept in a file."""

import shutil
from pathlib import Path

from headrace.contracts.location import shipped
from headrace.local.java import java_command
from headrace.local.probe import registry_answers
from headrace.local.process import DetachedProcess
from headrace.local.settings import CONFLUENT_API, HOST

_HEAP_MB = 256
_START_TIMEOUT_S = 180.0
# What was registered is in the file when the registry says so, and H2 is closed by Quarkus, in
# its turn, instead of by H2's own hook.
_H2_OPTIONS = "WRITE_DELAY=0;DB_CLOSE_ON_EXIT=FALSE"


class SchemaRegistry:
    """A registry that speaks Confluent's API and keeps its schemas in a folder over restarts.

    Parameters
    ----------
    folder
        Holds its data, scratch files and run file.
    log
        The file that it writes its log to.
    program
        The unpacked distribution.
    port
        Where clients connect.
    """

    def __init__(self, folder: Path, log: Path, program: Path, *, port: int) -> None:
        self.port = port
        self.process = DetachedProcess("Apicurio Registry", folder / "run", log)
        self._folder = folder
        self._program = program

    @property
    def address(self) -> str:
        """Where clients find its Confluent API."""
        return f"http://{HOST}:{self.port}{CONFLUENT_API}"

    @property
    def ports(self) -> dict[str, int]:
        """The port that it listens on, by the setting that changes it."""
        return {"HEADRACE_REGISTRY_PORT": self.port}

    def start(self) -> None:
        """Start it, on the data that it left; :meth:`wait_ready` says when it can be used."""
        scratch = self._folder / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        settings = {
            "quarkus.config.locations": shipped("deploy") / "local" / "registry.properties",
            "quarkus.http.port": self.port,
            "apicurio.datasource.url": f"jdbc:h2:file:{self._folder}/data/registry;{_H2_OPTIONS}",
            "apicurio.storage.snapshot.location": scratch,
            "apicurio.import.work-dir": scratch,
        }
        flags = [f"-D{name}={value}" for name, value in settings.items()]
        # It serves few requests: to start fast is worth more to it than to run fast.
        flags += ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError"]
        jar = str(self._program / "quarkus-run.jar")
        self.process.start(
            java_command(*flags, "-jar", jar, heap_mb=_HEAP_MB, scratch=scratch), self.port
        )

    def is_ready(self) -> bool:
        """Whether it answers clients."""
        return registry_answers(self.address)

    def wait_ready(self, timeout_s: float = _START_TIMEOUT_S) -> None:
        """Wait until it answers clients; HeadraceError with its log's end if it does not."""
        self.process.wait_ready(self.is_ready, timeout_s)
