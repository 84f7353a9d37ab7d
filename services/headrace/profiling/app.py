"""Wiring the profiling service: what it reads, what it remembers, what it does."""

from collections.abc import Sequence

from headrace.chassis.records import Handled, Outgoing, Received
from headrace.chassis.service import Around, ServiceBuilder
from headrace.chassis.settings import UseCaseSettings
from headrace.chassis.stages import StageClock
from headrace.chassis.state import View
from headrace.chassis.stream import Stream
from headrace.contracts.schemas import field_names
from headrace.errors import HeadraceError
from headrace.profiling.domain import Counted, Counting
from headrace.profiling.state import Counts, ProfilingFormat
from headrace.usecase.charter import Charter

SERVICE = "profiling"


def build(settings: UseCaseSettings, around: Around) -> Stream[Counts]:
    """Return the profiling service, ready to run.

    Raises
    ------
    HeadraceError
        The charter is wrong or has no profiles, the registry is down, or the topics and schemas
        were not applied.
    """
    charter = Charter.load(settings.charter, field_names)
    if not charter.profiles:
        raise HeadraceError(
            f"The charter {charter.name} has no profiles.", fix="Declare [profiles]."
        )
    builder = ServiceBuilder(SERVICE, charter.name, charter.events.schema, around)
    profiles = builder.channel("profiles")
    counting = Counting(charter, profiles.encode)
    profiler = Profiler(counting, profiles.topic)
    return builder.stream(
        ProfilingFormat(),
        [builder.input("observations")],
        [profiler],
        companion=counting,
        idle=profiler.idle,
    )


class Profiler:
    """The stream's handler: counts, and tells of what is due."""

    def __init__(self, counting: Counting, profiles: str) -> None:
        self._counting = counting
        self._profiles = profiles

    def __call__(
        self, received: Sequence[Received], view: View[Counts], stages: StageClock
    ) -> Handled:
        """Return what is told of profiles."""
        stages.enter("features")
        return self._handled(self._counting.count(received, view))

    def idle(self, view: View[Counts]) -> Handled:
        """Return what is held, as nothing comes."""
        return self._handled(self._counting.tell_all(view))

    def _handled(self, counted: Counted) -> Handled:
        outgoing = []
        if counted.names:
            outgoing.append(Outgoing(self._profiles, counted.names, counted.values))
        return Handled(outgoing, counted.rejected, counted.counts)
