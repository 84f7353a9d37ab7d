"""The stream: batches in, one transaction out, exactly once.

What is fetched at once is handled in batches of one input each: the inputs in their order.

Each step does one of three things. Held (paused, or waiting for the registry): nothing is
fetched. Not fetching (after an assignment or a failed transaction): settle. Else: fetch a batch,
handle it, begin its transaction; where nothing comes, do what is due all the same.

The transaction is committed while the next batch is fetched and handled, above the changes of
this one; it is finished before the next begins, before partitions change hands, and at once where
there is no next batch. Where it fails, what was handled above it is thrown away.
"""

import logging
import uuid
from collections.abc import Callable, Sequence
from itertools import count
from time import monotonic
from typing import Generic, TypeVar

from confluent_kafka import KafkaException, TopicPartition

from headrace.chassis.assignment import AWAY, IDLE_S, Assignment
from headrace.chassis.batch import Batch, InDoubt, Work, positions
from headrace.chassis.batch_trace import BatchTrace
from headrace.chassis.clients import Clients, session
from headrace.chassis.companion import ALONE, Companion
from headrace.chassis.fetching import Fetching
from headrace.chassis.handling import Handler
from headrace.chassis.health import Health
from headrace.chassis.heart import QUIET, Heart
from headrace.chassis.holding import Holding
from headrace.chassis.limit import DeadLetterLimit
from headrace.chassis.metrics import Metrics
from headrace.chassis.outputs import Outputs
from headrace.chassis.processing import Processor
from headrace.chassis.records import Handled
from headrace.chassis.reporting import Reporter
from headrace.chassis.restore import NOTHING, Restorer, Restores
from headrace.chassis.settings import StreamSettings
from headrace.chassis.stages import StageClock
from headrace.chassis.state import Format, KeyedState, View
from headrace.chassis.table import Followed, Table
from headrace.chassis.telemetry import Telemetry
from headrace.chassis.topology import Channel, Topology
from headrace.chassis.transactor import TransactionFailed, Transactor
from headrace.chassis.underway import Prepared, Underway
from headrace.contracts.registry import RegistryUnavailable
from headrace.errors import HeadraceError

_log = logging.getLogger("headrace.stream")

V = TypeVar("V")

_FAILURES_MOST = 10
_FIRST = 0
"""Of the inputs."""


class Stream(Generic[V]):
    """Runs handlers over topics.

    Parameters
    ----------
    topology
        What it reads and writes.
    layout
        How its state looks.
    handlers
        Of each input: a batch in, records out; it must not do I/O.
    now_ms
        The wall clock, in milliseconds.
    tables
        Topics that the handler looks things up in: whole before it starts, followed between
        batches.
    companion
        What the handlers hold beside the state, if anything.
    idle
        Returns what is to be written though nothing comes, if anything; it must not do I/O, nor
        change the state.
    """

    def __init__(
        self,
        topology: Topology,
        layout: Format[V],
        handlers: Sequence[Handler[V]],
        clients: Clients,
        settings: StreamSettings,
        metrics: Metrics,
        telemetry: Telemetry,
        now_ms: Callable[[], int],
        tables: Sequence[Followed] = (),
        companion: Companion = ALONE,
        idle: Callable[[View[V]], Handled] | None = None,
    ) -> None:
        self._topology = topology
        self._idle = idle
        self._topics = [each.channel.topic for each in topology.inputs]
        self._settings = settings
        self._now_ms = now_ms
        self.metrics = metrics
        self._telemetry = telemetry
        self.health = Health(topology.service)
        self._heart = (
            Heart(
                clients,
                topology.heartbeats,
                topology.service,
                settings.instance,
                settings.heartbeat_every_s,
                now_ms,
            )
            if topology.heartbeats
            else QUIET
        )
        self.clock = StageClock()
        self.state = KeyedState(layout)
        self._limit = DeadLetterLimit(
            settings.dead_letter_ratio, settings.dead_letter_window, settings.dead_letter_run
        )
        self._holding = Holding(
            topology.service,
            Table(clients, topology.pauses.topic, topology.pauses.decode),
            tables,
            self._released,
        )
        self._transactor = Transactor(
            lambda name: clients.transactional_producer(name, settings.transaction_timeout_ms),
            [f"{topology.group}.{settings.instance}.{turn}" for turn in "ab"],
            settings.transaction_timeout_ms / 1_000,
            settings.settle_timeout_s,
            self._goes_on,
        )
        self._assignment = Assignment(
            lambda heard: clients.consumer(
                topology.group, error_cb=heard, **session(settings.session_timeout_ms)
            ),
            self._topics,
            self.state,
            _restorer(clients, topology.changelog),
            companion,
            self._beat,
            self._finish,
            settings.settle_timeout_s,
        )
        self._reporter = Reporter(self.health, metrics, self._assignment, self.state, self.clock)
        self._outputs = Outputs(topology, layout.version, now_ms)
        self._fetching = Fetching(
            self._assignment,
            self._topics,
            settings.batch_records,
            self.clock,
            self._finish,
            self._give_back,
        )
        self._processor = Processor(
            topology.inputs,
            handlers,
            telemetry.sampler,
            self.clock,
            is_limited=settings.dead_letter_limit,
            is_companioned=companion is not ALONE,
        )
        self._underway: Underway[V] | None = None
        self._tokens = (f"{uuid.uuid4().hex}-{number}" for number in count())
        self._failures = 0
        self._failing_since = 0.0
        self._stopping = False

    def run(self) -> None:
        """Work until stopped; the batch in hand is finished, then the group is left.

        Raises
        ------
        HeadraceError
            Something that a person must mend.
        KafkaException
            The broker refuses what a retry would not mend.
        """
        try:
            self.open()
            while not self._stopping:
                self.step()
            self._finish()
        except KafkaException:
            if not self._stopping:  # else it was waiting for a broker when it was told to end
                raise
        finally:
            self.close()

    def stop(self) -> None:
        """Ask :meth:`run` to end; safe in a signal handler."""
        self._stopping = True
        self._assignment.stop()

    def open(self) -> None:
        """End what an earlier process of this name left open, and join the group."""
        self._transactor.open()
        self._holding.open(self._settings.settle_timeout_s)
        self._assignment.join()

    def close(self) -> None:
        """Finish what is under way, if that can be done, and leave the group."""
        try:
            self._finish()
        except (HeadraceError, KafkaException) as error:
            _log.warning("not known to be committed: %s", error)  # a restart will know
        finally:
            self._assignment.consumer.close()
            self._holding.close()
            self.health.not_ready = "stopped"
            if self._stopping:  # who ends otherwise is to be missed
                self._heart.leave()

    def _beat(self) -> None:
        """Say that the loop turns, here and to whoever watches from outside."""
        self.health.beat()
        self._heart.beat()

    def _goes_on(self) -> bool:
        """Tell whether a broker that does not answer is to be waited for."""
        self._beat()
        self.health.not_ready = AWAY
        return not self._stopping

    def _released(self) -> None:
        """Count dead letters anew: somebody has looked at those that paused the service."""
        self._limit.reset()

    def step(self) -> None:
        """Do the next thing."""
        self._beat()
        held = self._holding.why()
        if held:
            self._finish()
            self.clock.enter("idle")
            self._assignment.stop_fetching()
            self._assignment.poll(IDLE_S)
        elif not self._assignment.fetching:
            self.clock.enter("restore")
            self._assignment.settle()
        elif batch := self._fetching.next(is_underway=self._underway is not None):
            self._process(batch)
        elif self._idle is not None and self._assignment.fetching:
            self._process_nothing(self._idle)
        if self._reporter.is_due:
            held = held or self._holding.awaited(self._assignment.epoch)
            self._reporter.report(held, is_paused=self._holding.is_paused)

    def _process(self, batch: Batch) -> None:
        """Handle a batch beside the commit of the one before, then begin its own."""
        topic, group = self._topics[batch.source], self._topology.group
        trace = BatchTrace(self._telemetry, topic, group, self.clock, len(batch.messages))
        with trace.current():
            prepared = self._prepare(batch, trace)
        if prepared is not None and self._finish():
            self._begin(prepared, positions(prepared.work.messages))
        else:
            trace.given_back()
            self._give_back()

    def _process_nothing(self, idle: Callable[[View[V]], Handled]) -> None:
        """Write what is due though nothing comes.

        The offsets are sent again as they stand: whoever has lost the partitions is refused, and
        their token tells whether it was committed, as of any batch.
        """
        consumer, reached = self._assignment.consumer, self._assignment.reached(_FIRST)
        metadata = consumer.consumer_group_metadata()
        if not reached or not consumer.memberid():
            return
        topic, group = self._topics[_FIRST], self._topology.group
        trace = BatchTrace(self._telemetry, topic, group, self.clock, 0)
        with trace.current():
            self.clock.enter("handle")
            overlay = self.state.overlay()
            handled = idle(overlay)
            work = Work(_FIRST, [], handled.outgoing, [], handled.counts, overlay, {})
            records = self._outputs.of(work, {}, None, trace)
        if records:
            self._begin(Prepared(work, records, metadata, self._limit, None, trace), reached)

    def _prepare(self, batch: Batch, trace: BatchTrace) -> Prepared[V] | None:
        """Return what is to be committed; nothing where the registry must be waited for."""
        before = self._underway
        below = before.doubt.overlay.above if before else self.state.overlay
        limit = before.prepared.limit if before else self._limit
        try:
            work, limit, pause_reason = self._processor.process(batch, below, limit)
        except RegistryUnavailable as error:
            _log.warning("waiting for the schema registry: %s", error)
            self._holding.await_registry(self._assignment.epoch)
            return None
        self._holding.go_on()
        self.clock.enter("encode")
        records = self._outputs.of(work, batch.headers, pause_reason, trace)
        return Prepared(work, records, batch.group_metadata, limit, pause_reason, trace)

    def _begin(self, prepared: Prepared[V], reached: dict[int, int]) -> None:
        """Write everything in one transaction, which is committed beside the next batch."""
        token = next(self._tokens)
        source = prepared.work.source
        topic = self._topics[source]
        offsets = [TopicPartition(topic, p, offset, token) for p, offset in reached.items()]
        with prepared.trace.current():
            self.clock.enter("produce")
            prepared.trace.sending()
            begun = self._transactor.begin(prepared.records, offsets, prepared.group_metadata)
        overlay = prepared.work.overlay
        doubt = InDoubt(source, token, reached, overlay, lambda: self._committed(prepared))
        self._underway = Underway(prepared, begun, doubt)
        if self._holding.pausing(prepared.pause_reason):
            self._give_back()  # what comes after the record at which it pauses was fetched with it

    def _give_back(self) -> None:
        """Have what was fetched and will not be committed fetched again: nothing else would."""
        self._finish()
        self._assignment.stop_fetching()

    def _finish(self) -> bool:
        """Wait for the transaction under way, and only then merge the changes.

        Returns
        -------
        Whether the next may follow: not where this one may have failed.
        """
        underway, self._underway = self._underway, None
        if underway is None:
            return True
        prepared, begun, doubt = underway
        with prepared.trace.current():
            self.clock.enter("commit")
            try:
                self._transactor.finish(begun)
            except TransactionFailed as failed:
                self._assignment.stop_fetching(doubt)
                prepared.trace.failed(prepared.work, str(failed))
                self._bear(failed)
                return False
            self.clock.enter("merge")
            doubt.overlay.merge(set(doubt.positions))
            self._assignment.advance(doubt.source, doubt.positions)
            doubt.then()
        return True

    def _committed(self, prepared: Prepared[V]) -> None:
        """Do what follows a commit, besides the merge; it may be found out late."""
        if prepared.pause_reason is None:
            self._limit = prepared.limit
        else:
            self._holding.paused(prepared.pause_reason)
        self._failures = 0
        self._reporter.committed(prepared)
        self._heart.count(len(prepared.work.messages), len(prepared.work.dead))
        prepared.trace.committed(prepared.work)

    def _bear(self, failed: TransactionFailed) -> None:
        """Let it be tried again, until patience ends: it may fail for what no retry mends."""
        self.metrics.count("transactions", 1, "failed")
        self._failures += 1
        if self._failures == 1:
            self._failing_since = monotonic()
        patience_s = self._settings.settle_timeout_s
        if self._failures > _FAILURES_MOST and monotonic() - self._failing_since > patience_s:
            raise HeadraceError(
                f"No transaction has succeeded for {patience_s:g} s: {failed}",
                fix="Mend what the broker refuses; the service then goes on where it stood.",
            ) from failed


def _restorer(clients: Clients, changelog: Channel | None) -> Restores:
    return NOTHING if changelog is None else Restorer(clients, changelog.topic, changelog.decode)
