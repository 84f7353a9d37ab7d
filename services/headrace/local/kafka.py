"""One Kafka broker that is its own controller (KRaft), on this machine alone."""

import base64
import json
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path

from headrace.contracts.location import shipped
from headrace.errors import HeadraceError
from headrace.local.java import java_command
from headrace.local.probe import kafka_answers
from headrace.local.process import ENVIRONMENT, DetachedProcess
from headrace.local.settings import HOST

_HEAP_MB = 512
_START_TIMEOUT_S = 180.0
_FORMATTING = "formatting-"


class KafkaBroker:
    """A broker that keeps its data in a folder over restarts.

    Parameters
    ----------
    folder
        Holds its data, settings, scratch files and run file.
    log
        The file that it writes its log to.
    jars
        Its class path.
    port, controller_port
        Where clients and where the controller's quorum connect.
    proxied
        ``(listens on, advertises)``: one more listener that sends its clients to another port,
        where a proxy stands between them and the broker and can cut or delay their connections.
    """

    def __init__(
        self,
        folder: Path,
        log: Path,
        jars: Sequence[Path],
        *,
        port: int,
        controller_port: int,
        proxied: tuple[int, int] | None = None,
    ) -> None:
        self.port = port
        self.process = DetachedProcess("Kafka", folder / "run", log)
        self._folder = folder
        self._jars = jars
        self._controller_port = controller_port
        self._proxied = proxied

    @property
    def address(self) -> str:
        """Where clients find it (their ``bootstrap.servers``)."""
        return f"{HOST}:{self.port}"

    @property
    def ports(self) -> dict[str, int]:
        """The ports that it listens on, by the setting that changes each."""
        return {
            "HEADRACE_KAFKA_PORT": self.port,
            "HEADRACE_CONTROLLER_PORT": self._controller_port,
        }

    def start(self) -> None:
        """Start it, on the data that it left; :meth:`wait_ready` says when it can be used."""
        for leftover in (self._scratch, *self._folder.glob(f"{_FORMATTING}*")):
            shutil.rmtree(leftover, ignore_errors=True)
        self._scratch.mkdir(parents=True)
        settings = self._write_settings(self._folder, self._data)
        if not self._data.exists():
            self._format()
        self.process.start(
            self._command("-XX:+ExitOnOutOfMemoryError", "kafka.Kafka", str(settings)), self.port
        )

    def is_ready(self) -> bool:
        """Whether it answers clients."""
        return kafka_answers(self.port)

    def wait_ready(self, timeout_s: float = _START_TIMEOUT_S) -> None:
        """Wait until it answers clients; HeadraceError with its log's end if it does not."""
        self.process.wait_ready(self.is_ready, timeout_s)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _scratch(self) -> Path:
        return self._folder / "scratch"

    def _format(self) -> None:
        """Make the storage under a name of its own first: what is called ``data`` is whole.

        The name is new each time, because a killed command leaves its tool at work.
        """
        formatting = Path(tempfile.mkdtemp(prefix=_FORMATTING, dir=self._folder))
        settings = self._write_settings(formatting, formatting / "data")
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        # As one argument: an id that begins with a hyphen would be taken for an option.
        named = f"--cluster-id={cluster_id}"
        tool = ("kafka.tools.StorageTool", "format", named, "-c", str(settings))
        done = subprocess.run(
            self._command(*tool), capture_output=True, text=True, check=False, env=ENVIRONMENT
        )
        if done.returncode != 0:
            raise HeadraceError(
                f"Kafka's storage in {self._folder} could not be formatted:\n{done.stderr}",
                fix="Mend what it says and run `headrace up` again.",
            )
        (formatting / "data").rename(self._data)
        shutil.rmtree(formatting)

    def _command(self, *arguments: str) -> list[str]:
        class_path = ":".join(str(jar) for jar in self._jars)
        logging = shipped("deploy") / "local" / "kafka.log4j.properties"
        flags = ("-cp", class_path, f"-Dlog4j.configuration={logging.as_uri()}")
        return java_command(*flags, *arguments, heap_mb=_HEAP_MB, scratch=self._scratch)

    def _write_settings(self, folder: Path, data: Path) -> Path:
        listeners = [f"PLAINTEXT://{self.address}"]
        advertised = list(listeners)
        if self._proxied:
            listens, advertises = self._proxied
            listeners.append(f"PROXIED://{HOST}:{listens}")
            advertised.append(f"PROXIED://{HOST}:{advertises}")
        controller = f"{HOST}:{self._controller_port}"
        lines = [
            (shipped("deploy") / "local" / "kafka.properties").read_text(),
            # JSON escapes what is not ASCII as Java's properties do.
            f"log.dirs={json.dumps(str(data))[1:-1]}",
            f"listeners={','.join([*listeners, f'CONTROLLER://{controller}'])}",
            f"advertised.listeners={','.join(advertised)}",
            f"controller.quorum.voters=1@{controller}",
        ]
        path = folder / "settings.properties"
        path.write_text("\n".join(lines) + "\n")
        return path
