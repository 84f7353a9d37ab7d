"""A drift is switched on and becomes an incident, in a use case of its own."""

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import Any, Final, NamedTuple

from headrace.chassis.clients import Clients
from headrace.chassis.reading import records_of
from headrace.chassis.telemetry import Telemetry
from headrace.chassis.wiring import Wiring
from headrace.contracts.location import shipped
from headrace.contracts.registry import Registry
from headrace.contracts.topics import load_topics
from headrace.demo.in_step import publish_in_step
from headrace.simulator.publisher import Publisher
from headrace.simulator.scenario import Drift
from headrace.simulator.sources import simulated
from headrace.trials.service import ServiceProcess
from headrace.trials.surroundings import Say
from headrace.trials.use_case import prepare
from headrace.usecase.charter import Charter

EVENTS: Final = 115_000
DRIFT: Final = Drift.parse("data@2026-02-02")
"""Once enough is known of what is usual: all amounts are higher, and more is bought online."""
_SERVICES: Final = ("scoring", "sketching", "drift", "alerting")
_SIGNALS: Final = 2
"""That are waited for."""
_WAIT_S: Final = 20.0
"""For what was noticed to become an incident, and for the last of what was published."""
_ASK_S: Final = 0.1
_TIMEOUT_S: Final = 10.0


class Drifted(NamedTuple):
    """What was noticed."""

    charter: Path
    """Of the use case that it happened in, which is named as the file."""
    published: int
    seconds: float
    """From the first event to the incident."""
    incident: Mapping[str, Any]
    """An ``IncidentChanged``: the latest about the one that was opened first."""
    signals: Sequence[Mapping[str, Any]]
    """A ``SignalChanged`` for each that it consists of."""

    def as_json(self) -> dict[str, object]:
        """Return it as plain values."""
        return {
            "use_case": self.charter.stem,
            "published": self.published,
            "seconds": round(self.seconds, 1),
            "incident": self.incident,
            "signals": self.signals,
        }


def drifted(
    copy: Path, clients: Clients, registry: Registry, telemetry: Telemetry, say: Say
) -> Drifted | None:
    """Switch a drift on, and return what is told of it; None where that is nothing.

    Parameters
    ----------
    copy
        Where the use case's charter goes; logs go beside it.
    telemetry
        The publisher's.

    Raises
    ------
    HeadraceError
        A service has ended, or does not become ready.
    """
    charter = prepare(
        shipped("deploy") / "demo" / "payments.toml", copy, clients, registry, backlog=True
    )
    wiring = Wiring(load_topics(charter.name, charter.events.schema), registry)
    with ExitStack() as ends:
        running = {name: ends.enter_context(_service(name, copy)) for name in _SERVICES}
        stop, began = Event(), time.monotonic()

        def noticed() -> float:
            return running["drift"].gauge("signals_raised_total")

        def followed() -> float:
            if noticed() >= _SIGNALS:
                stop.set()
            return running["sketching"].gauge("records_total") / 2  # events, and what came of them

        publisher = Publisher(clients.producer(), f"{charter.name}.events", telemetry)
        world = simulated(charter, registry, EVENTS, 1, drifts=(DRIFT,))
        published = publish_in_step(publisher, world, followed, stop).published
        say(f"{published:,} events later, waiting for the incident ...")
        until = time.monotonic() + _WAIT_S
        while time.monotonic() < until:
            told = _told(charter, clients, wiring) if noticed() else None
            if told is not None and len(told[1]) >= _SIGNALS:
                break
            time.sleep(_ASK_S)
        else:
            told = _told(charter, clients, wiring)
    return None if told is None else Drifted(copy, published, time.monotonic() - began, *told)


def _service(name: str, charter: Path) -> ServiceProcess:
    return ServiceProcess(
        name, charter, {"HEADRACE_INSTANCE": "demo"}, charter.with_suffix(f".{name}.log")
    )


def _told(
    charter: Charter, clients: Clients, wiring: Wiring
) -> tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]] | None:
    """Return the first incident, and what it consists of."""

    def records(plural: str) -> list[dict[str, Any]]:
        channel = wiring.channel(f"{charter.name}.{plural}")
        return [
            channel.decode(each.value()) for each in records_of(clients, channel.topic, _TIMEOUT_S)
        ]

    changes = records("incidents")
    if not changes:
        return None
    incident = [each for each in changes if each["incident_id"] == changes[0]["incident_id"]][-1]
    ids = {each["signal_id"] for each in incident["signals"]}
    signals = [
        each
        for each in records("signals")
        if each["signal_id"] in ids and each["state"] == "raised"
    ]
    return incident, signals
