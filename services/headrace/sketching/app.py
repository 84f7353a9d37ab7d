"""Wiring the sketching service: what it watches, and what it tells."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import groupby
from operator import attrgetter

from headrace.chassis.clock import now_ms
from headrace.chassis.records import Answer, Handled, Outgoing, Received
from headrace.chassis.service import Around, ServiceBuilder
from headrace.chassis.settings import UseCaseSettings
from headrace.chassis.stages import StageClock
from headrace.chassis.state import Stateless, View
from headrace.chassis.stream import Stream
from headrace.chassis.topology import Channel, Input
from headrace.chassis.tracing import Trace
from headrace.contracts.records import TrafficSketched
from headrace.contracts.schemas import field_names, nullable_fields
from headrace.sketching.cutting import Stretch
from headrace.sketching.domain import LETTER_FIELDS, Decisions, Records, Sketcher
from headrace.usecase.charter import Charter

SERVICE = "sketching"
_partition = attrgetter("partition")
Sketch = Callable[[Stretch, Records, int], list[TrafficSketched]]
"""Sketches records of one partition, which cannot have happened after a time."""


def build(settings: UseCaseSettings, around: Around) -> Stream[None]:
    """Return the sketching service, ready to run.

    Raises
    ------
    HeadraceError
        The charter is wrong, the registry is down, or the topics and schemas were not applied.
    """
    charter = Charter.load(settings.charter, field_names)
    builder = ServiceBuilder(SERVICE, charter.name, charter.events.schema, around)
    sketcher = Sketcher(charter, nullable_fields(charter.events.schema))
    watched: dict[str, tuple[Sketch, Sequence[str]]] = {
        "events": (sketcher.events, sketcher.event_fields),
        "decisions": (sketcher.decisions, Decisions._fields),
        "events.dlq": (sketcher.letters, LETTER_FIELDS),
    }
    inputs = [builder.channel(plural, fields) for plural, (_, fields) in watched.items()]
    sketches = builder.channel("sketches")
    skew_ms = charter.events.future_skew_ms
    return builder.stream(
        Stateless(),
        [Input(each, None) for each in inputs],
        [
            Watcher(each.topic, sketch, sketches, lambda: now_ms() + skew_ms)
            for each, (sketch, _) in zip(inputs, watched.values(), strict=True)
        ],
        has_changelog=False,
    )


class Watcher:
    """The handler of one of the inputs.

    Parameters
    ----------
    topic
        The input.
    sketch
        Sketches its records.
    sketches
        Where that goes.
    until_ms
        Returns the latest time at which anything can have happened.
    """

    def __init__(
        self, topic: str, sketch: Sketch, sketches: Channel, until_ms: Callable[[], int]
    ) -> None:
        self._topic = topic
        self._sketch = sketch
        self._sketches = sketches
        self._until_ms = until_ms

    def __call__(self, received: Sequence[Received], _: View[None], stages: StageClock) -> Handled:
        """Return the sketches of each partition's records."""
        stages.enter("features")
        until_ms = self._until_ms()
        sketches, answers = list[TrafficSketched](), dict[int, Answer]()
        in_order = sorted(received, key=_partition)  # which leaves each partition's as they stand
        for partition, group in groupby(in_order, _partition):
            events = [*group]
            offsets = [event.offset for event in events]
            came_ms = [event.timestamp_ms for event in events]
            values = [event.value for event in events]
            stretch = Stretch(self._topic, partition, offsets, came_ms, values)
            told = self._sketch(stretch, [event.record for event in events], until_ms)
            traces = [event.trace for event in events]
            if any(traces):
                answers |= _answers(offsets, traces, told, len(sketches))
            sketches += told
        stages.enter("encode")
        values = [self._sketches.encode(each) for each in sketches]
        outgoing = Outgoing(self._sketches.topic, [self._topic] * len(values), values, answers)
        return Handled([outgoing], [], Counter())


def _answers(
    offsets: Sequence[int],
    traces: Sequence[Trace | None],
    sketches: Sequence[TrafficSketched],
    first: int,
) -> dict[int, Answer]:
    """Return the trace in which each sketch goes on: that of its last record, or last sampled one.

    Parameters
    ----------
    offsets, traces
        Of the records of one partition, which the sketches divide among them.
    first
        The row of the first sketch.
    """
    ends = [sketch["last_offset"] for sketch in sketches]
    answers = dict[int, Answer]()
    for offset, trace in zip(offsets, traces, strict=True):
        if trace is not None:
            row = first + bisect_left(ends, offset)
            before = answers.get(row)
            if before is None or trace.is_sampled or not before.trace.is_sampled:
                answers[row] = Answer(trace)
    return answers
