"""Wiring the labelling service: what it reads, what it remembers, what it does."""

from collections.abc import Callable, Sequence

from headrace.chassis.clock import now_ms
from headrace.chassis.records import Answer, Handled, Outgoing, Received
from headrace.chassis.service import Around, ServiceBuilder
from headrace.chassis.settings import UseCaseSettings
from headrace.chassis.stages import StageClock
from headrace.chassis.state import View
from headrace.chassis.stream import Stream
from headrace.chassis.topology import Channel, Input
from headrace.contracts.schemas import field_names
from headrace.labelling.joining import Joined, Joiner
from headrace.labelling.state import LabellingFormat, State
from headrace.labelling.timers import Timers
from headrace.usecase.charter import Charter
from headrace.usecase.profiles import owner_of

SERVICE = "labelling"
Take = Callable[[Sequence[Received], View[State]], Joined]


def build(settings: UseCaseSettings, around: Around) -> Stream[State]:
    """Return the labelling service, ready to run.

    Raises
    ------
    HeadraceError
        The charter is wrong, the registry is down, or the topics and schemas were not applied.
    """
    charter = Charter.load(settings.charter, field_names)
    builder = ServiceBuilder(SERVICE, charter.name, charter.events.schema, around)
    decisions, labels, outcomes, observations, unjoined = map(
        builder.channel, ("decisions", "labels", "outcomes", "observations", "labels.dlq")
    )
    timers = Timers(charter)
    joiner = Joiner(charter, timers, decisions.decode, labels.topic, now_ms)
    writer = Writer(outcomes, observations, unjoined)
    return builder.stream(
        LabellingFormat(),
        [Input(decisions, builder.channel("decisions.dlq")), Input(labels, unjoined)],
        [Handling(take, timers, writer) for take in (joiner.decide, joiner.hear)],
        companion=timers,
    )


class Writer:
    """Encodes what came of a batch."""

    def __init__(self, outcomes: Channel, observations: Channel, dead_letters: Channel) -> None:
        self._outcomes = outcomes
        self._observations = observations
        self._dead_letters = dead_letters

    def handled(self, joined: Joined) -> Handled:
        """Return it as the chassis takes it."""
        outgoing = []
        if joined.outcomes:
            outgoing.append(
                Outgoing(
                    self._outcomes.topic,
                    [each["key"] for each in joined.outcomes],
                    [self._outcomes.encode(each) for each in joined.outcomes],
                    {row: Answer(trace) for row, trace in joined.traces.items()},
                )
            )
        if joined.observations:
            told = joined.observations
            values = [self._observations.encode(each) for each in told]
            owners = [owner_of(each["profile"], each["key"]) for each in told]
            outgoing.append(Outgoing(self._observations.topic, owners, values))
        if joined.given_up:
            letters = joined.given_up
            values = [self._dead_letters.encode(each) for each in letters]
            keys = [each["key"] for each in letters]
            outgoing.append(Outgoing(self._dead_letters.topic, keys, values))
        return Handled(outgoing, joined.rejected, joined.counts)


class Handling:
    """The handler of one of the inputs.

    Parameters
    ----------
    take
        Takes in its records: :meth:`.Joiner.decide` or :meth:`.Joiner.hear`.
    """

    def __init__(self, take: Take, timers: Timers, writer: Writer) -> None:
        self._take = take
        self._timers = timers
        self._writer = writer

    def __call__(
        self, received: Sequence[Received], view: View[State], stages: StageClock
    ) -> Handled:
        """Return the outcomes that records say, or have waited for, and of what is due."""
        with self._timers.attempt():
            joined = self._take(received, view)
            stages.enter("encode")
            return self._writer.handled(joined)
