"""The life of a service's process: signals, the health endpoint, the end."""

import gc
import logging
import signal
import threading
from types import FrameType
from typing import Any

from confluent_kafka import KafkaException

from headrace.chassis.health import HealthEndpoint
from headrace.chassis.stream import Stream
from headrace.errors import HeadraceError

_log = logging.getLogger("headrace.lifecycle")


def serve(stream: Stream[Any], host: str, port: int) -> None:
    """Run a stream until SIGTERM or SIGINT; the batch in hand is finished and committed first.

    Raises
    ------
    HeadraceError
        What a person must mend; the process should end with it.
    """
    if threading.current_thread() is threading.main_thread():
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, _stopper(stream))
    # The state is many objects that live long: looking through all of them again and again cost
    # 2 to 3 microseconds an event.
    gc.set_threshold(50_000, 20, 100)
    with HealthEndpoint(host, port, stream.health, stream.metrics.exposition) as endpoint:
        _log.info("health at %s", endpoint.address)
        try:
            stream.run()
        except KafkaException as error:
            raise HeadraceError(
                f"Kafka refuses to go on: {error}",
                fix="See the log above for what the broker said; a restart recovers the state.",
            ) from error
    _log.info("stopped")


def _stopper(stream: Stream[Any]) -> Any:
    def stop(number: int, _frame: FrameType | None) -> None:
        _log.info("%s: finishing the batch in hand", signal.Signals(number).name)
        stream.stop()

    return stop
