"""Watching records arrive as a downstream application would, to time and to count them."""

import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, cast

from confluent_kafka import Message

from headrace.chassis.batch import Fetched
from headrace.chassis.clients import Clients
from headrace.chassis.headers import read_headers
from headrace.chassis.reading import beginnings, is_end
from headrace.chassis.telemetry import Telemetry, Told, messaging

_START_S = 10.0
Decode = Callable[[bytes | None], dict[str, Any]]
Take = Callable[[Sequence[dict[str, Any]], float], None]
V = TypeVar("V")


class Watch(Generic[V]):
    """Reads a topic in a thread of its own while the context lasts, committed records only.

    Parameters
    ----------
    decode
        Decodes a value.
    take
        Gets the records of each read, and when they were there (s, by ``time.monotonic``).
    telemetry
        Has a span of each record whose trace is recorded.
    """

    def __init__(
        self,
        clients: Clients,
        topic: str,
        partitions: int,
        decode: Callable[[bytes | None], V],
        take: Callable[[Sequence[V], float], None],
        telemetry: Telemetry,
    ) -> None:
        self._reader = clients.reader()
        self._reader.assign(beginnings(clients, topic, range(partitions), _START_S))
        self._empty = dict.fromkeys(range(partitions), 0)
        self._decode = decode
        self._take = take
        self._topic = topic
        self._telemetry = telemetry
        self._ready = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        """Begin; returns once it would see the first record."""
        self._thread.start()
        self._ready.wait(_START_S)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End."""
        self._stop.set()
        self._thread.join()
        self._reader.close()

    def _watch(self) -> None:
        while not self._stop.is_set():
            first = self._reader.poll(0.1)
            if first is None:
                continue
            messages = [first, *self._reader.consume(10_000, 0)]
            now_s, began_ns = time.monotonic(), time.time_ns()
            held = [each for each in messages if self._holds(each)]
            self._take([self._decode(each.value()) for each in held], now_s)
            for message in held:
                self._tell(message, began_ns)

    def _tell(self, message: Message, began_ns: int) -> None:
        (headers,) = read_headers([cast("Fetched", message)]).values() or (None,)
        trace = self._telemetry.sampler.of(headers)
        if trace is None or not trace.is_recorded or not trace.parent_id:
            return  # only those that somebody has sent on
        attributes = {
            **messaging("process", self._topic),
            "messaging.destination.partition.id": str(message.partition()),
            "messaging.kafka.offset": message.offset() or 0,
        }
        told = Told(
            f"process {self._topic}",
            "consumer",
            trace.ids,
            trace.parent_id,
            began_ns,
            time.time_ns(),
            attributes,
        )
        self._telemetry.write(told)

    def _holds(self, message: Message) -> bool:
        if is_end(message, self._empty) and not self._empty:
            self._ready.set()
        return message.error() is None
