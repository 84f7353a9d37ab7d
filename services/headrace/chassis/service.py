"""What every service of a use case is built of."""

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple, TypeVar

from headrace.chassis.clients import Clients
from headrace.chassis.clock import now_ms
from headrace.chassis.companion import ALONE, Companion
from headrace.chassis.handling import Handler
from headrace.chassis.metrics import Metrics
from headrace.chassis.records import Handled
from headrace.chassis.settings import KafkaSettings, StreamSettings
from headrace.chassis.state import Format, View
from headrace.chassis.stream import Stream
from headrace.chassis.table import Followed
from headrace.chassis.telemetry import Telemetry
from headrace.chassis.topology import Channel, Input, Topology
from headrace.chassis.wiring import Wiring
from headrace.contracts.registry import Registry, RegistrySettings
from headrace.contracts.topics import load_topics

V = TypeVar("V")


class Around(NamedTuple):
    """What a process runs with, whichever service it is."""

    kafka: KafkaSettings
    registry: RegistrySettings
    stream: StreamSettings
    telemetry: Telemetry


class ServiceBuilder:
    """Makes the channels and the stream of a service.

    Parameters
    ----------
    service
        Its name.
    use_case
        Whose topics it works on, by name.
    events_schema
        The schema of the use case's events.
    """

    def __init__(self, service: str, use_case: str, events_schema: str, around: Around) -> None:
        self._service = service
        self._use_case = use_case
        self.around = around
        self.topics = load_topics(use_case, events_schema)
        """Declarations by full topic name."""
        self.wiring = Wiring(self.topics, Registry(around.registry))
        self.clients = Clients(around.kafka, f"headrace.{service}.{around.stream.instance}")
        self.metrics = Metrics(service)

    def channel(self, plural: str, kept: Collection[str] | None = None) -> Channel:
        """Return a topic of the use case with its codec (see :meth:`.Wiring.channel`).

        Raises
        ------
        HeadraceError
            The registry is down, or the schema was not registered.
        """
        return self.wiring.channel(f"{self._use_case}.{plural}", kept)

    def input(self, plural: str) -> Input:
        """Return a topic of the use case to be read, with the topic of its dead letters."""
        return Input(self.channel(plural), self.channel(f"{plural}.dlq"))

    def stream(
        self,
        layout: Format[V],
        inputs: Sequence[Input],
        handlers: Sequence[Handler[V]],
        tables: Sequence[Followed] = (),
        companion: Companion = ALONE,
        idle: Callable[[View[V]], Handled] | None = None,
        *,
        has_changelog: bool = True,
    ) -> Stream[V]:
        """Return the stream (see there), with the topics that all have.

        Parameters
        ----------
        has_changelog
            False where there is no state.
        """
        topology = Topology(
            service=self._service,
            group=f"{self._use_case}.{self._service}",
            inputs=inputs,
            changelog=self.channel(f"{self._service}.changelog") if has_changelog else None,
            pauses=self.channel("pauses"),
            heartbeats=self.channel("heartbeats"),
        )
        _, _, stream, telemetry = self.around
        return Stream(
            topology,
            layout,
            handlers,
            self.clients,
            stream,
            self.metrics,
            telemetry,
            now_ms,
            tables,
            companion,
            idle,
        )
