"""``headrace run``, ``headrace ready`` and ``headrace release``: one service at a time."""

import getpass
import os
import time
from pathlib import Path
from typing import Any, Final, Literal

import httpx

from headrace.chassis.clients import Clients
from headrace.chassis.clock import now_ms
from headrace.chassis.lifecycle import Service as Running
from headrace.chassis.lifecycle import serve
from headrace.chassis.logs import log_as_json
from headrace.chassis.pauses import Pauses
from headrace.chassis.pauses import release as released
from headrace.chassis.produce import produce_one
from headrace.chassis.service import Around
from headrace.chassis.settings import KafkaSettings, StreamSettings, UseCaseSettings
from headrace.chassis.table import Table
from headrace.chassis.telemetry import Telemetry, telemetry
from headrace.chassis.topology import Channel
from headrace.chassis.wiring import Wiring
from headrace.commands.console import print_json, results
from headrace.contracts.registry import Registry, RegistrySettings
from headrace.contracts.topics import load_topics
from headrace.errors import HeadraceError
from headrace.scoring.settings import ScoringSettings
from headrace.usecase.charter import Charter

Service = Literal[
    "alerting",
    "drift",
    "labelling",
    "learning",
    "profiling",
    "retraining",
    "scoring",
    "sketching",
]
_HEALTH_PORTS: dict[Service, int] = {
    "scoring": 19_101,
    "labelling": 19_102,
    "learning": 19_103,
    "profiling": 19_104,
    "retraining": 19_105,
    "sketching": 19_106,
    "drift": 19_107,
    "alerting": 19_108,
}
_PAUSES_S: Final = 10.0
_YIELDING: Final[dict[Service, int]] = {
    "drift": 5,
    "learning": 10,
    "retraining": 10,
    "sketching": 5,
}
"""By how much some are nicer than what decides: an outcome that is learned a little later is none
the worse, while a decision has a deadline, and on a machine with few cores they took its time."""


def run(service: Service, *, charter: Path | None = None) -> None:
    """Run a service in the foreground until SIGTERM or Ctrl-C.

    Settings come from the environment: ``KAFKA_*``, ``SCHEMA_REGISTRY_*``, ``HEADRACE_*``,
    ``OTEL_*``.

    Parameters
    ----------
    service
        Which one.
    charter
        The use case's charter; the shipped one where not given.
    """
    os.nice(_YIELDING.get(service, 0))  # before there is any thread: each takes over its maker's
    log_as_json(service)
    stream_settings = StreamSettings()
    with telemetry(f"headrace.{service}") as traced:
        running = _build(service, charter, stream_settings, traced)
        serve(running, stream_settings.health_host, _port(service))


def _build(
    service: Service, charter: Path | None, settings: StreamSettings, traced: Telemetry
) -> Running:
    """Wire a service; the libraries of the others are not loaded."""
    declared: dict[str, Any] = {} if charter is None else {"charter": charter}
    around = Around(KafkaSettings(), RegistrySettings(), settings, traced)
    if service == "alerting":
        from headrace.alerting import app as alerting
        from headrace.alerting.settings import AlertingSettings

        return alerting.build(AlertingSettings(**declared), around)
    if service == "labelling":
        from headrace.labelling import app as labelling

        return labelling.build(UseCaseSettings(**declared), around)
    if service == "learning":
        from headrace.learning import app as learning
        from headrace.learning.settings import LearningSettings

        return learning.build(LearningSettings(**declared), around)
    if service == "profiling":
        from headrace.profiling import app as profiling

        return profiling.build(UseCaseSettings(**declared), around)
    if service == "sketching":
        from headrace.sketching import app as sketching

        return sketching.build(UseCaseSettings(**declared), around)
    if service == "retraining":
        from headrace.learning import scheduled

        return scheduled.build(UseCaseSettings(**declared), around)
    if service == "drift":
        from headrace.drift import app as drift

        return drift.build(UseCaseSettings(**declared), around)
    from headrace.scoring import app as scoring

    return scoring.build(ScoringSettings(**declared), around)


def ready(
    service: Service, *, address: str | None = None, wait_s: float = 0.0, json: bool = False
) -> None:
    """Exit 0 when a service is ready, 1 when it is not: for scripts and probes.

    Parameters
    ----------
    service
        Which one.
    address
        Its health endpoint, as http://host:port; the local one where not given.
    wait_s
        How long to wait for it to become ready.
    json
        Print the answer as JSON.
    """
    url = (address or f"http://127.0.0.1:{_port(service)}").rstrip("/")
    until = time.monotonic() + wait_s
    with httpx.Client(timeout=2.0) as client:
        answer = _ask(client, url)
        while not answer["ok"] and time.monotonic() < until:
            time.sleep(0.1)
            answer = _ask(client, url)
    if json:
        print_json(answer)
    if not answer["ok"]:
        raise HeadraceError(f"{service} is not ready: {answer['why_not']}.")
    if not json:
        results.print(f"{service} is ready")


def release(
    service: Service, *, charter: Path | None = None, reason: str = "released by hand"
) -> None:
    """Let a service go on that has paused itself after too many dead letters.

    Parameters
    ----------
    service
        Which one.
    charter
        The use case's charter; the shipped one where not given.
    reason
        Why it may go on; it stands in the topic of pauses beside your name.
    """
    loaded, clients = Charter.load(charter or ScoringSettings().charter), Clients(KafkaSettings())
    topics = load_topics(loaded.name, loaded.events.schema)
    channel = Wiring(topics, Registry(RegistrySettings())).channel(f"{loaded.name}.pauses")
    _require_paused(clients, channel, loaded.name, service)
    fact = released(service, reason, getpass.getuser(), now_ms())
    produce_one(clients, channel.topic, service, channel.encode(fact))
    results.print(f"{loaded.name}.{service} is released; see it by: headrace tail {channel.topic}")


def _require_paused(clients: Clients, channel: Channel, use_case: str, service: Service) -> None:
    """Raise HeadraceError where there is nothing to be released from."""
    table = Table(clients, channel.topic, channel.decode)
    try:
        table.open(_PAUSES_S)
    finally:
        table.close()
    if Pauses(table, service).reason is None:
        raise HeadraceError(
            f"{use_case}.{service} is not paused.",
            fix=f"See what it waits for: headrace ready {service}",
        )


def _port(service: Service) -> int:
    port = StreamSettings().health_port
    return _HEALTH_PORTS[service] if port is None else port


def _ask(client: httpx.Client, url: str) -> dict[str, object]:
    try:
        answer: dict[str, object] = client.get(f"{url}/ready").json()
    except (httpx.HTTPError, ValueError) as error:
        return {"ok": False, "why_not": f"no answer at {url} ({type(error).__name__})"}
    return answer
