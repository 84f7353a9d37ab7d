"""Runs a label desk beside the publisher: decisions in, labels and heartbeats out."""

import time
from collections import Counter
from collections.abc import Iterable
from threading import Event

from confluent_kafka import Consumer, KafkaError

from headrace.chassis.clients import Clients
from headrace.chassis.topology import Channel
from headrace.chassis.tracing import said_later
from headrace.contracts.records import LabelObserved
from headrace.errors import HeadraceError
from headrace.simulator.desk import LabelDesk
from headrace.simulator.labels import Source
from headrace.simulator.reading import POLL_S, kept, polled, reader

STALLED_S = 30.0
_FLUSH_S = 60.0
_AGAIN = "Look at the broker with `headrace status` and publish the same again."


class Labelling:
    """Publishes what becomes known about the decided events of one world.

    It reads all decisions that are kept, so a run that was broken off can be done again: labels
    that stand on their topic already are not published twice, and heartbeats only say again what
    still holds. What is said of a decision goes to its partition, labels before the heartbeats
    that speak of them. A label goes on in the trace of the decision that it is of, where that is
    sampled.

    Parameters
    ----------
    decisions, labels
        Topics with their codecs.
    partitions
        Of both.
    wait_ms
        How long after an event a consumer waits before it takes silence for an answer: the last
        heartbeats are beyond that for every event.
    stalled_s
        How long to wait for the next missing decision after the last event was published.
    """

    def __init__(
        self,
        clients: Clients,
        desk: LabelDesk,
        decisions: Channel,
        labels: Channel,
        partitions: int,
        wait_ms: int,
        stalled_s: float = STALLED_S,
    ) -> None:
        self._clients = clients
        self._desk = desk
        self._decisions = decisions
        self._labels = labels
        self._partitions = partitions
        self._wait_ms = wait_ms
        self._stalled_s = stalled_s
        # Or a heartbeat could stand there without a label of which it says that it is published.
        self._producer = clients.gapless_producer()
        self._known = set[tuple[str, int]]()
        self._traces = dict[str, str]()
        """Of decisions that are sampled, by event."""
        self._expected: int | None = None
        self._failed = 0
        self._first_failure = ""
        self.by_source: Counter[Source] = Counter()
        """Labels acknowledged by the broker."""
        self.heartbeats = 0
        """Heartbeats acknowledged by the broker."""

    def expect(self, decided: int) -> None:
        """Say how many of the world's events are decided in the end: all have been published."""
        self._expected = decided

    def run(self, stop: Event) -> None:
        """Follow the decisions until all are there, then let event time run on to the last label.

        After ``stop``, what is not due yet stays unpublished, and no heartbeat speaks of it.

        Raises
        ------
        HeadraceError
            Decisions are missing and do not come, or something was not acknowledged.
        """
        for value in kept(self._clients, self._labels.topic, self._partitions):
            label = self._labels.decode(value)
            if label["kind"] == "label":
                self._known.add((label["event_id"], label["revision"]))
        consumer = reader(self._clients, self._decisions.topic, self._partitions)
        try:
            while not stop.is_set() and not self._complete():
                self._follow(consumer, stop)
            if not stop.is_set():
                self._publish(self._desk.rest(self._partitions, self._wait_ms))
        finally:
            consumer.close()
            self._failed += self._producer.flush(_FLUSH_S)
        if self._failed:
            raise HeadraceError(
                f"{self._failed} labels and heartbeats were not acknowledged; "
                f"the first: {self._first_failure or 'no answer'}",
                fix=_AGAIN,
            )

    def _complete(self) -> bool:
        return self._expected is not None and self._desk.decided >= self._expected

    def _follow(self, consumer: Consumer, stop: Event) -> None:
        """Wait for decisions, and publish what is due by them."""
        waiting_since_s = time.monotonic()
        while not (decisions := polled(consumer)):
            if stop.is_set() or self._complete():
                return
            if self._expected is None:
                waiting_since_s = time.monotonic()
            elif time.monotonic() - waiting_since_s > self._stalled_s:
                raise self._stalled(self._expected)
        for partition, value in decisions:
            decision = self._decisions.decode(value)
            if decision["trace_id"]:
                self._traces[decision["event_id"]] = decision["trace_id"]
            said = self._desk.observe(partition, decision)
            self._publish((partition, record) for record in said)
        self._producer.poll(0)

    def _publish(self, said: Iterable[tuple[int, LabelObserved]]) -> None:
        for partition, record in said:
            if (record["event_id"], record["revision"]) not in self._known:
                self._queue(partition, record)

    def _queue(self, partition: int, record: LabelObserved) -> None:
        def delivered(error: KafkaError | None, _: object) -> None:
            if error is not None:
                self._failed += 1
                self._first_failure = self._first_failure or str(error)
            elif record["kind"] == "heartbeat":
                self.heartbeats += 1
            else:
                self.by_source[record["source"]] += 1

        value = self._labels.encode(record)
        key = record["source"] if record["kind"] == "heartbeat" else record["key"]
        trace_id = self._traces.get(record["event_id"])
        headers = None if trace_id is None else said_later(trace_id)
        full_since_s = time.monotonic()
        while True:
            try:
                self._producer.produce(
                    self._labels.topic,
                    value,
                    key,
                    partition,
                    on_delivery=delivered,
                    headers=headers,
                )
            except BufferError:
                if time.monotonic() - full_since_s > _FLUSH_S:
                    raise HeadraceError(
                        f"The broker has taken no labels for {_FLUSH_S:.0f} s.", fix=_AGAIN
                    ) from None
                self._producer.poll(POLL_S)
            else:
                return

    def _stalled(self, expected: int) -> HeadraceError:
        return HeadraceError(
            f"{expected - self._desk.decided} of {expected} events have no decision, and none has "
            f"come for {self._stalled_s:.0f} s: their labels are missing, and {self._desk.pending} "
            "that were to come later.",
            fix="Let scoring run (`headrace run scoring`) and publish the same again: labels that "
            "are there already stay as they are.",
        )
