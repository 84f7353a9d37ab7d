"""The local stack: a broker, a registry and a Zipkin, started together and stopped together."""

import contextlib
import shutil
from collections.abc import Callable
from typing import Protocol

from headrace.errors import HeadraceError
from headrace.local.exclusive import exclusively
from headrace.local.kafka import KafkaBroker
from headrace.local.probe import port_is_taken
from headrace.local.process import DetachedProcess
from headrace.local.programs import Programs
from headrace.local.registry import SchemaRegistry
from headrace.local.settings import LocalSettings
from headrace.local.status import PartStatus, State
from headrace.local.zipkin import Zipkin

_UNDO_S = 5.0


class Part(Protocol):
    """What the broker, the registry and the Zipkin have in common."""

    port: int
    process: DetachedProcess

    @property
    def address(self) -> str:
        """Where clients find it."""

    @property
    def ports(self) -> dict[str, int]:
        """Every port that it listens on, by the setting that changes it."""

    def start(self) -> None:
        """Start it; it must not be running."""

    def is_ready(self) -> bool:
        """Whether it answers clients."""

    def wait_ready(self) -> None:
        """Wait until it answers clients."""


class LocalStack:
    """Starts, stops and looks at the broker, the registry and the Zipkin of one folder.

    Several commands may use it at once, and each may be killed at any moment: nothing is
    believed but what the operating system vouches for (see :mod:`headrace.local.process`).

    Parameters
    ----------
    settings
        The folder and the ports.
    say
        Told in plain lines what is being done.
    """

    def __init__(self, settings: LocalSettings, say: Callable[[str], None] = print) -> None:
        self._settings = settings
        self._say = say
        self._programs = Programs(settings.jars, say)
        logs = settings.home / "logs"
        kafka = KafkaBroker(
            settings.home / "kafka",
            logs / "kafka.log",
            self._programs.kafka,
            port=settings.kafka_port,
            controller_port=settings.controller_port,
        )
        registry = SchemaRegistry(
            settings.home / "registry",
            logs / "registry.log",
            self._programs.registry,
            port=settings.registry_port,
        )
        zipkin = Zipkin(
            settings.home / "zipkin",
            logs / "zipkin.log",
            self._programs.zipkin,
            port=settings.zipkin_port,
        )
        self.parts: tuple[Part, ...] = (kafka, registry, zipkin)

    def up(self) -> list[str]:
        """Start what is not running and wait until all of it can be used.

        Returns
        -------
        list[str]
            The names of what was started; empty where everything was running.

        Raises
        ------
        HeadraceError
            Where a port is taken, a program cannot be fetched, or a part does not start. What
            was started is stopped again then, as it is when this is interrupted.
        """
        with exclusively(self._settings.home / "stack.lock", self._say):
            absent = [part for part in self.parts if not self._runs(part)]
            if absent:
                self._check_ports(absent)
                self._programs.fetch()
            with contextlib.ExitStack() as undo:
                for part in absent:
                    undo.callback(part.process.stop, _UNDO_S)
                    self._say(f"Starting {part.process.name} (log: {part.process.log}) ...")
                    part.start()
                for part in self.parts:
                    part.wait_ready()
                undo.pop_all()
            return [part.process.name for part in absent]

    def down(self, *, delete: bool = False) -> list[str]:
        """Stop what is running; with ``delete``, delete its data and logs as well.

        Returns
        -------
        list[str]
            The names of what was stopped.
        """
        if not self._settings.home.exists():
            return []
        with exclusively(self._settings.home / "stack.lock", self._say):
            running = [part.process for part in self.parts if part.process.running()]
            for process in running:
                gently = process.stop()
                self._say(f"{process.name} stopped" + ("." if gently else ", by SIGKILL."))
            if delete:
                for folder in ("kafka", "registry", "zipkin", "logs"):
                    shutil.rmtree(self._settings.home / folder, ignore_errors=True)
                self._say(f"Data and logs in {self._settings.home} deleted.")
            return [process.name for process in running]

    def status(self) -> list[PartStatus]:
        """Return how each part is."""
        return [self._status(part) for part in self.parts]

    def is_ready(self) -> bool:
        """Whether all of it can be used."""
        return all(part.state == "ready" for part in self.status())

    def is_running(self) -> bool:
        """Whether any of it runs, whoever started it; an older version starts fewer parts."""
        return any(part.process.running() for part in self.parts)

    def _runs(self, part: Part) -> bool:
        running = part.process.running()
        if running and running.port != part.port:
            raise HeadraceError(
                f"{part.process.name} of {self._settings.home} runs on port {running.port}, "
                f"but {next(iter(part.ports))} says {part.port}.",
                fix="Run `headrace down` first, or set HEADRACE_HOME to another folder.",
            )
        return running is not None

    def _check_ports(self, parts: list[Part]) -> None:
        for part in parts:
            for setting, port in part.ports.items():
                if port_is_taken(port):
                    raise HeadraceError(
                        f"Port {port}, which {part.process.name} needs, is taken by another "
                        "process.",
                        fix=f"Stop that process, or set {setting} to a free port.",
                    )

    @staticmethod
    def _status(part: Part) -> PartStatus:
        name, log = part.process.name, part.process.log
        running = part.process.running()
        if not running:
            return PartStatus(name, "stopped", part.address, log=log)
        address = part.address.replace(f":{part.port}", f":{running.port}")
        if running.port != part.port:
            reason = f"the settings say port {part.port}"
        else:
            reason = "" if part.is_ready() else "it does not answer"
        state: State = "not ready" if reason else "ready"
        return PartStatus(name, state, address, running.pid, running.since, log, reason)
