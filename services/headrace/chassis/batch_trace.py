"""What is told of one batch: a span for it, and spans for each of its records that are recorded.

They are written once it is known what became of the batch, so work that was thrown away and done
again is told once. A batch without such records has a span where something went wrong, or where
a log line names it: whoever reads the line finds the trace.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from time import time_ns
from typing import Any, NamedTuple

from headrace.chassis.batch import Place, Work
from headrace.chassis.records import Answer, Outgoing
from headrace.chassis.stages import STAGES, Stage, StageClock
from headrace.chassis.telemetry import Telemetry, Told, messaging
from headrace.chassis.tracing import CURRENT, SpanIds, Trace, new_span_id
from headrace.chassis.transactor import ToProduce


class _Sent(NamedTuple):
    """An output record that belongs to a recorded trace."""

    topic: str
    span_id: str
    answer: Answer


class BatchTrace:
    """The spans of one batch, from its fetch on.

    Parameters
    ----------
    telemetry
        Where they are written.
    source
        The topic that it was fetched from.
    group
        As which group.
    clock
        Where the time goes.
    messages
        How many there are.
    """

    def __init__(
        self, telemetry: Telemetry, source: str, group: str, clock: StageClock, messages: int
    ) -> None:
        self._ids = _new_ids(telemetry)
        self._messages = messages
        self._telemetry = telemetry
        self._source, self._group = source, group
        self._clock = clock
        self._spent_s: dict[Stage, float] = dict.fromkeys(STAGES, 0.0)
        self._since: dict[Stage, float] | None = None
        """What the clock said when the time that is being spent on the batch began."""
        self._began_ns = self._sending_ns = time_ns()
        self._is_named_by_log = self._is_told = False
        self._sent: list[_Sent] = []

    @contextmanager
    def current(self) -> Iterator[None]:
        """Work on the batch, now and again: the time is its own, and log lines name it."""
        if not self._telemetry.records:
            yield
            return
        before, self._since = CURRENT.set(self), self._clock.lap()
        try:
            yield
        except BaseException as raised:
            self.given_back(type(raised).__name__)
            raise
        finally:
            self._spend()
            self._since = None
            CURRENT.reset(before)

    def given_back(self, error: str = "given back") -> None:
        """Tell of a batch that is not gone on with, if a log line names it."""
        if self._is_named_by_log and not self._is_told:
            self._tell_batch(time_ns(), error=error)

    def named_by_log(self) -> SpanIds:
        """Return the ids of the batch's span, which will be written then."""
        self._is_named_by_log = True
        return self._ids

    def to_produce(self, outgoing: Outgoing) -> ToProduce:
        """Return records with the headers of their traces."""
        topic, keys, values, answers = outgoing
        headers = {}
        for row, answer in answers.items():
            span_id = answer.trace.span_id
            if answer.trace.is_recorded:
                span_id = new_span_id()
                self._sent.append(_Sent(topic, span_id, answer))
            headers[row] = answer.trace.headers(span_id)
        return ToProduce(topic, keys, values, headers=headers)

    def sending(self) -> None:
        """Note that the transaction begins."""
        self._sending_ns = time_ns()

    def committed(self, work: Work[Any]) -> None:
        """Tell of a batch that was committed."""
        now_ns = time_ns()
        recorded = {place: trace for place, trace in work.traces.items() if trace.is_recorded}
        if recorded:
            self._tell_records(recorded, work, now_ns)
            for sent in self._sent:
                self._tell_sending(sent, now_ns)
        if recorded or (self._is_named_by_log and not self._is_told):
            self._tell_batch(now_ns, recorded.values(), len(work.dead))

    def failed(self, work: Work[Any], error: str) -> None:
        """Tell of a batch whose transaction failed, as far as is known now."""
        self._tell_batch(time_ns(), dead_letters=len(work.dead), error=error)
        self._ids = _new_ids(self._telemetry)  # it may turn out to be committed

    def _tell_records(self, recorded: Mapping[Place, Trace], work: Work[Any], now_ns: int) -> None:
        said = {sent.answer.trace.span_id: sent.answer.said for sent in self._sent}
        dead = {(each.partition, each.offset): each.reason for each in work.dead}
        for place, trace in recorded.items():
            partition, offset = place
            attributes = {
                **messaging("process", self._source),
                "messaging.consumer.group.name": self._group,
                "messaging.destination.partition.id": str(partition),
                "messaging.kafka.offset": offset,
                "headrace.batch": self._ids.trace_id,
                **said.get(trace.span_id, {}),
            }
            self._telemetry.write(
                Told(
                    f"process {self._source}",
                    "consumer",
                    trace.ids,
                    trace.parent_id,
                    self._began_ns,
                    now_ns,
                    attributes,
                    [self._ids],
                    dead.get(place, ""),
                )
            )

    def _tell_sending(self, sent: _Sent, now_ns: int) -> None:
        trace, topic = sent.answer.trace, sent.topic
        self._telemetry.write(
            Told(
                f"send {topic}",
                "producer",
                SpanIds(trace.trace_id, sent.span_id),
                trace.span_id,
                self._sending_ns,
                now_ns,
                messaging("send", topic),
            )
        )

    def _spend(self) -> None:
        if self._since is None:
            return
        now = self._clock.lap()
        for stage, seconds in self._since.items():
            self._spent_s[stage] += now[stage] - seconds
        self._since = now

    def _tell_batch(
        self,
        now_ns: int,
        recorded: Iterable[Trace] = (),
        dead_letters: int = 0,
        error: str = "",
    ) -> None:
        self._is_told = True
        self._spend()
        attributes = {
            **messaging("process", self._source),
            "messaging.consumer.group.name": self._group,
            "messaging.batch.message_count": self._messages,
            "headrace.dead_letters": dead_letters,
            **{
                f"headrace.{stage}_us": round(seconds * 1e6)
                for stage, seconds in self._spent_s.items()
                if seconds > 0
            },
        }
        self._telemetry.write(
            Told(
                f"process batch {self._source}",
                "internal",
                self._ids,
                "",
                self._began_ns,
                now_ns,
                attributes,
                [trace.ids for trace in recorded],
                error,
            )
        )


def _new_ids(telemetry: Telemetry) -> SpanIds:
    return telemetry.sampler.begin().ids
