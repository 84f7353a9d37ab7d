"""One process: all its clients die together, and every call of theirs may meet a fault."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from confluent_kafka import KafkaError, KafkaException

from support.fake_kafka.broker import FakeKafka
from support.fake_kafka.faults import CrashNow


class Process:
    """What the clients of a process share."""

    def __init__(self, kafka: FakeKafka, name: str) -> None:
        self.kafka = kafka
        self.name = name
        self.dead = False
        self._at_death: list[Callable[[], object]] = []

    def at_death(self, happen: Callable[[], object]) -> None:
        """Let the broker notice a death: called once, when the process is killed."""
        self._at_death.append(happen)

    def kill(self) -> None:
        """End the process as ``kill -9`` does; open transactions stay open."""
        if not self.dead:
            self.dead = True
            for happen in self._at_death:
                happen()

    def run(self, operation: str, act: Callable[[], Any]) -> Any:
        """Do a call, or what was planned for it; in a dead process no call has any effect."""
        if self.dead:
            raise CrashNow
        try:
            return self.kafka.faults.run(operation, self.name, act)
        except CrashNow:
            self.kill()
            raise


class FakeClient:
    """What all clients have in common."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._kafka = process.kafka

    def _failed(self, operation: str, error: KafkaError) -> None:
        """Take note of an error that a call of this client raised."""


P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=FakeClient)


def call(method: Callable[Concatenate[C, P], R]) -> Callable[Concatenate[C, P], R]:
    """Make a method one of the client's calls: it may meet a fault planned under its name."""

    @wraps(method)
    def run(self: C, /, *args: P.args, **kwargs: P.kwargs) -> R:
        name = method.__name__
        try:
            return cast("R", self._process.run(name, lambda: method(self, *args, **kwargs)))
        except KafkaException as error:
            self._failed(name, error.args[0])
            raise

    return run
