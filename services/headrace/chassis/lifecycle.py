"""The life of a service's process: signals, the health endpoint, the end."""

import gc
import logging
import signal
import threading
from types import FrameType
from typing import Any, Protocol

from confluent_kafka import KafkaException

from headrace.chassis.health import Health, HealthEndpoint
from headrace.chassis.metrics import Metrics
from headrace.errors import HeadraceError

_log = logging.getLogger("headrace.lifecycle")


class Service(Protocol):
    """What runs until it is told to end, such as a stream."""

    @property
    def health(self) -> Health:
        """What it says of itself."""

    @property
    def metrics(self) -> Metrics:
        """What it counts."""

    def run(self) -> None:
        """Work until stopped."""

    def stop(self) -> None:
        """Ask :meth:`run` to end; safe in a signal handler."""


def serve(service: Service, host: str, port: int) -> None:
    """Run a service until SIGTERM or SIGINT; a stream finishes and commits the batch in hand.

    Raises
    ------
    HeadraceError
        What a person must mend; the process should end with it.
    """
    if threading.current_thread() is threading.main_thread():
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, _stopper(service))
    tune_collector()
    with HealthEndpoint(host, port, service.health, lambda: exposition(service)) as endpoint:
        _log.info("health at %s", endpoint.address)
        try:
            service.run()
        except KafkaException as error:
            raise HeadraceError(
                f"Kafka refuses to go on: {error}",
                fix="See the log above for what the broker said; a restart recovers the state.",
            ) from error
    _log.info("stopped")


def tune_collector() -> None:
    """Let the garbage collector look less often.

    The state is many objects that live long: looking through all of them again and again cost
    2 to 3 microseconds an event.
    """
    gc.set_threshold(50_000, 20, 100)


def exposition(service: Service) -> bytes:
    """Return its metrics, with whether it lives and is ready now, even where its loop hangs."""
    service.metrics.gauge("live", float(bool(service.health.live()["ok"])))
    service.metrics.gauge("ready", float(bool(service.health.ready()["ok"])))
    return service.metrics.exposition()


def _stopper(service: Service) -> Any:
    def stop(number: int, _frame: FrameType | None) -> None:
        _log.info("%s: ending", signal.Signals(number).name)
        service.stop()

    return stop
