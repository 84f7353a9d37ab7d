"""Wiring the drift service: what it reads, what it remembers, what it does."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from headrace.chassis.metrics import CountName
from headrace.chassis.records import Answer, Handled, Outgoing, Received, Rejected
from headrace.chassis.service import Around, ServiceBuilder
from headrace.chassis.settings import UseCaseSettings
from headrace.chassis.stages import StageClock
from headrace.chassis.state import View
from headrace.chassis.stream import Stream
from headrace.chassis.topology import Channel
from headrace.contracts.schemas import field_names, nullable_fields
from headrace.drift.recording import Evidence, signal_changed
from headrace.drift.state import DriftFormat, Slots
from headrace.drift.watch import Noticed, Watch
from headrace.drift.watching import Watching
from headrace.usecase.charter import Charter

SERVICE = "drift"
Take = Callable[[Watch, Mapping[str, Any]], Iterator[Noticed]]


def build(settings: UseCaseSettings, around: Around) -> Stream[Slots]:
    """Return the drift service, ready to run.

    Raises
    ------
    HeadraceError
        The charter is wrong, the registry is down, or the topics and schemas were not applied.
    """
    charter = Charter.load(settings.charter, field_names)
    builder = ServiceBuilder(SERVICE, charter.name, charter.events.schema, around)
    inputs = [builder.input(name) for name in ("sketches", "outcomes")]
    signals = builder.channel("signals")
    nullable = nullable_fields(charter.events.schema)
    watching = Watching(lambda: Watch(charter, nullable))
    takes: Sequence[Take] = (Watch.sketch, Watch.outcome)
    handlers = [
        Watcher(charter.name, watching, number, take, each.channel.topic, signals)
        for number, (take, each) in enumerate(zip(takes, inputs, strict=True))
    ]
    return builder.stream(DriftFormat(), inputs, handlers, companion=watching)


class Watcher:
    """The handler of one of the inputs.

    Parameters
    ----------
    number
        Of the input.
    take
        Takes in one of its records.
    topic
        Where those stand.
    """

    def __init__(
        self,
        use_case: str,
        watching: Watching,
        number: int,
        take: Take,
        topic: str,
        signals: Channel,
    ) -> None:
        self._use_case = use_case
        self._watching = watching
        self._number = number
        self._take = take
        self._topic = topic
        self._signals = signals

    def __call__(
        self, received: Sequence[Received], view: View[Slots], stages: StageClock
    ) -> Handled:
        """Return what is noticed."""
        handled = Handled([], [], Counter())
        if not received:
            return handled
        stages.enter("model")
        last = received[-1]
        watch = self._watching.at(self._number, received[0].offset, last.offset)
        for each in received:
            self._look(watch, each, handled)
        stages.enter("encode")
        self._watching.write(view, last.offset)
        return handled

    def _look(self, watch: Watch, received: Received, handled: Handled) -> None:
        noticed: list[Noticed] = []
        try:
            noticed.extend(self._take(watch, received.record))
        except (ArithmeticError, IndexError, ValueError) as error:
            # What it leaves behind is the same each time; what was noticed until then is told.
            handled.rejected.append(Rejected(received, "handler_failed", str(error)))
        last = Evidence(self._topic, received.partition, received.offset)
        for each in noticed:
            signal = signal_changed(self._use_case, each, last)
            count: CountName = "signals_raised" if each.change.is_raised else "signals_cleared"
            handled.counts[count] += 1
            traces = {} if received.trace is None else {0: Answer(received.trace)}
            handled.outgoing.append(
                Outgoing(
                    self._signals.topic,
                    [signal["subject"]],
                    [self._signals.encode(signal)],
                    traces,
                )
            )
