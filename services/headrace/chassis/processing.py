"""What comes of a batch: decoded, handed to the handler of its input, and held to the limit."""

import logging
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from headrace.chassis.batch import Batch, Dead, Work, decode, with_unread
from headrace.chassis.handling import Handler, handle
from headrace.chassis.limit import DeadLetterLimit
from headrace.chassis.records import Handled
from headrace.chassis.stages import StageClock
from headrace.chassis.state import Overlay
from headrace.chassis.topology import Input
from headrace.chassis.tracing import Sampler

_log = logging.getLogger("headrace.stream")

V = TypeVar("V")


class Processed(NamedTuple, Generic[V]):
    """A batch of which everything is known but whether it will be committed."""

    work: Work[V]
    limit: DeadLetterLimit
    """As it stands after the batch."""
    pause_reason: str | None
    """Why nothing is to follow it, if so."""


class Processor(Generic[V]):
    """Processes batches; nothing of it shows anywhere before it is committed.

    Parameters
    ----------
    inputs, handlers
        One handler for each input.
    is_limited
        Whether too many dead letters pause the service.
    is_companioned
        Whether handlers hold something beside the state: then nothing is handled twice.
    """

    def __init__(
        self,
        inputs: Sequence[Input],
        handlers: Sequence[Handler[V]],
        sampler: Sampler,
        clock: StageClock,
        *,
        is_limited: bool,
        is_companioned: bool,
    ) -> None:
        self._inputs = inputs
        self._handlers = handlers
        self._sampler = sampler
        self._clock = clock
        self._is_limited = is_limited
        self._is_companioned = is_companioned

    def process(
        self, batch: Batch, below: Callable[[], Overlay[V]], limit: DeadLetterLimit
    ) -> Processed[V]:
        """Handle the messages, or only those up to the one that passes the dead-letter limit.

        Beside a companion, all of them: the service then pauses after the batch.

        Parameters
        ----------
        below
            Gives an empty overlay over what the batch finds.
        limit
            As it stands before the batch; it is left as it is.
        """
        messages, limit = batch.messages, limit.copy()
        work = self._work(batch, below)
        dead = {(each.partition, each.offset) for each in work.dead}
        past = limit.first_past([(m.partition(), m.offset()) in dead for m in messages])
        if past is None or not self._is_limited:
            return Processed(work, limit, None)
        if not self._is_companioned:
            work = self._work(batch._replace(messages=messages[: past + 1]), below)
        return Processed(work, limit, f"too many dead letters: {limit}")

    def _work(self, batch: Batch, below: Callable[[], Overlay[V]]) -> Work[V]:
        self._clock.enter("decode")
        source, messages, headers, _ = batch
        channel, dead_letters = self._inputs[source]
        is_watched = dead_letters is None
        decoded = decode(
            messages,
            channel.decode,
            headers,
            self._sampler,
            "replace" if is_watched else "strict",
        )
        received, dead, traces = decoded
        if is_watched and dead:
            received, dead = with_unread(decoded, messages), []
        self._clock.enter("handle")
        handled, overlay = handle(self._handlers[source], received, below, self._clock)
        dead += [
            Dead(each.received.partition, each.received.offset, each.reason, each.detail)
            for each in handled.rejected
        ]
        dead.sort()  # by partition and offset: the order in which they came
        if is_watched and dead:
            dead = _passed_over(channel.topic, dead, handled)
        return Work(source, messages, handled.outgoing, dead, handled.counts, overlay, traces)


def _passed_over(topic: str, dead: Sequence[Dead], handled: Handled) -> list[Dead]:
    """Say on which records of a watched input the handler has failed; none of them is given up."""
    for each in dead:
        _log.error("passed over %s:%d:%d: %s", topic, each.partition, each.offset, each.detail)
    handled.counts["watched_passed_over"] += len(dead)
    return []
