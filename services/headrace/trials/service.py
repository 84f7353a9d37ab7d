"""Services as processes of their own, as they run anywhere else."""

import re
import socket
import sys
import time
from pathlib import Path
from typing import NamedTuple, Self

import httpx

from headrace.chassis.stages import STAGES, Stage
from headrace.errors import HeadraceError
from headrace.trials.process import BesideProcess

_START_S = 60.0
_REPORTED_S = 30.0
_ASK_S = 0.1


class Counts(NamedTuple):
    """Input records that have been processed."""

    processed: int
    duplicates: int
    """Of these, events that had been decided before."""


class ServiceProcess(BesideProcess):
    """Runs ``headrace run`` of a service while the context lasts.

    Parameters
    ----------
    service
        Which one.
    environment
        Added to this process's own.
    log
        File for what it writes.
    start_s
        How long it may take to become ready: it restores its state first.
    """

    def __init__(
        self,
        service: str,
        charter: Path,
        environment: dict[str, str],
        log: Path,
        start_s: float = _START_S,
    ) -> None:
        self._start_s = start_s
        port = _free_port()
        super().__init__(
            service.capitalize(),
            [sys.executable, "-m", "headrace", "run", service, "--charter", charter],
            {**environment, "HEADRACE_HEALTH_PORT": str(port)},
            log,
        )
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=5.0)

    def __enter__(self) -> Self:
        """Start it and wait until it is ready.

        Raises
        ------
        HeadraceError
            It ended, or was not ready in time.
        """
        super().__enter__()
        try:
            self._await_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> int:
        """Stop it, and ask it no more."""
        self._client.close()
        return super().stop()

    def counts(self) -> Counts:
        """Return what it has committed so far.

        Raises
        ------
        HeadraceError
            It has ended.
        """
        text = self._metrics()
        return Counts(int(_sample("records_total", text)), int(_sample("duplicates_total", text)))

    def stage_seconds(self) -> dict[Stage, float]:
        """Return where its time has gone by now, given that it has nothing more to do.

        It brings its counters up to date every now and then: what it says is taken once it was
        idle for longer than when it was asked first.

        Raises
        ------
        HeadraceError
            It has ended, or has not brought them up to date for long.
        """
        until_s, idle_s = time.monotonic() + _REPORTED_S, None
        while time.monotonic() < until_s:
            if stages := self._stages():
                if idle_s is not None and stages["idle"] > idle_s:
                    return stages
                idle_s = stages["idle"] if idle_s is None else idle_s
            time.sleep(_ASK_S)
        raise HeadraceError(
            f"{self._name} has not said for {_REPORTED_S:.0f} s where its time goes.",
            fix=f"See {self.log}.",
        )

    def _stages(self) -> dict[Stage, float]:
        """Return its counters, if it answers."""
        text = self._metrics()
        if not text:
            return {}
        return {stage: _sample(f'stage_seconds_total{{stage="{stage}"}}', text) for stage in STAGES}

    def gauge(self, name: str) -> float:
        """Return one of its gauges.

        Raises
        ------
        HeadraceError
            It has ended.
        """
        return _sample(name, self._metrics())

    def why_not_ready(self) -> str:
        """Return why it is not ready, or nothing where it is."""
        self.require_alive()
        try:
            return str(self._client.get("/ready").json()["why_not"])
        except httpx.TransportError:
            return "it does not answer yet"

    def _metrics(self) -> str:
        """Return its metrics; none in a busy moment: the next question will tell."""
        self.require_alive()
        try:
            return self._client.get("/metrics").text
        except httpx.TransportError:
            return ""

    def _await_ready(self) -> None:
        until = time.monotonic() + self._start_s
        while why_not := self.why_not_ready():
            if time.monotonic() > until:
                raise HeadraceError(
                    f"{self._name} is not ready after {self._start_s:.0f} s: {why_not}.",
                    fix=f"See {self.log}.",
                )
            time.sleep(_ASK_S)


class ScoringProcess(ServiceProcess):
    """Runs scoring; as :class:`ServiceProcess`."""

    def __init__(
        self, charter: Path, environment: dict[str, str], log: Path, start_s: float = _START_S
    ) -> None:
        super().__init__("scoring", charter, environment, log, start_s)


def _sample(name: str, metrics: str) -> float:
    found = re.search(rf"^headrace_{re.escape(name)} (\S+)", metrics, re.MULTILINE)
    return float(found[1]) if found else 0.0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
