"""The partitions in hand: who gave them, how far each stands, and how that is made true again."""

import gc
import logging
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Generic, TypeVar

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)

from headrace.chassis.batch import InDoubt
from headrace.chassis.companion import Companion
from headrace.chassis.messages import holds_record
from headrace.chassis.restore import NEVER_COMMITTED, Contradiction, Offsets, Restores
from headrace.chassis.state import KeyedState
from headrace.errors import HeadraceError

_log = logging.getLogger("headrace.assignment")

V = TypeVar("V")

_CALL_S = 5.0
_LOOK_S = 0.5
AWAY = "no broker answers"
IDLE_S = 0.2  # the longest that a stop waits for an idle stream


class Assignment(Generic[V]):
    """Partitions given by the consumer group: the same ones of each input.

    After an assignment, and after any failed transaction, nothing is fetched until
    :meth:`settle` has asked the broker where the group stands and has made state and position
    agree with the answer. There is no other way to recover.

    Parameters
    ----------
    member
        Makes a member of the group, not yet subscribed; takes what is to hear of lost connections.
    topics
        The inputs.
    companion
        What the handler holds beside the state.
    beat
        Called whenever the loop inside turns, so that a long restore counts as living.
    finish
        Called before partitions change hands: what is under way is to be finished.
    patience_s
        How long a lost broker is waited for.
    """

    def __init__(
        self,
        member: Callable[[Callable[[KafkaError], None]], Consumer],
        topics: Sequence[str],
        state: KeyedState[V],
        restorer: Restores,
        companion: Companion,
        beat: Callable[[], None],
        finish: Callable[[], object],
        patience_s: float,
    ) -> None:
        self.consumer = member(self._hear)
        self.topics = topics
        self.epoch = 0
        """Grows at each rebalance: what was fetched before is void."""
        self.course = 0
        """Grows whenever fetching begins anew: what was fetched before is void, likewise."""
        self.fetching = False
        self.applied: dict[int, Offsets] = {}
        """The offset of each input that each partition's state reflects."""
        self.recovered = 0
        """Transactions that seemed to fail and turned out committed."""
        self.restore_s = 0.0
        self._state = state
        self._restorer = restorer
        self._companion = companion
        self._beat = beat
        self._finish = finish
        self._patience_s = patience_s
        self._partitions: set[int] = set()
        self._joined = False
        self._in_doubt: InDoubt[V] | None = None
        self._unsettled_since = monotonic()
        self._stopping = False
        self._is_broker_away = False

    @property
    def not_ready(self) -> str:
        """Why nothing is fetched; empty where it is, and for a member that waits as a spare."""
        if self._is_broker_away:
            return AWAY
        if self.fetching or (self._joined and not self._partitions):
            return ""
        return "settling" if self._partitions else "not in the group yet"

    def look_for_broker(self) -> None:
        """Ask whether a broker is there again, where all were away: nobody tells."""
        if self._is_broker_away and self._answers():
            self._is_broker_away = False

    def lag(self) -> dict[int, int]:
        """Return how many records wait, by partition; asked of the broker while none is fetched."""
        lag: dict[int, int] = {}
        for partition, applied in self.applied.items():
            for topic, offset in zip(self.topics, applied, strict=True):
                at = TopicPartition(topic, partition)
                cached = self.fetching
                try:
                    low, high = self.consumer.get_watermark_offsets(at, _CALL_S, cached=cached)
                except KafkaException:
                    continue
                if high >= 0:  # known once the first fetch was answered
                    lag[partition] = lag.get(partition, 0) + max(0, high - max(offset, low))
        return lag

    def join(self) -> None:
        """Subscribe to the inputs."""
        self.consumer.subscribe(
            [*self.topics],
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_lost,
        )

    def stop(self) -> None:
        """Abandon a restore that is under way."""
        self._stopping = True

    def poll(self, timeout_s: float) -> None:
        """Serve the group while nothing is fetched."""
        self._beat()
        message = self.consumer.poll(timeout_s)
        if message is not None:
            holds_record(message)

    def stop_fetching(self, in_doubt: InDoubt[V] | None = None) -> None:
        """Fetch nothing until settled again; discards what was fetched and not handled."""
        if self.fetching:
            self.consumer.assign([])
            self.fetching = False
        if in_doubt is not None:
            self._in_doubt = in_doubt
        self._unsettled_since = monotonic()

    def advance(self, source: int, positions: Mapping[int, int]) -> None:
        """Note that the state now reflects an input up to these offsets."""
        for partition, offset in positions.items():
            applied = self.applied[partition]
            self.applied[partition] = (*applied[:source], offset, *applied[source + 1 :])

    def reached(self, source: int) -> dict[int, int]:
        """Return the offset of an input that each partition's state reflects, where it has any."""
        offsets = {partition: applied[source] for partition, applied in self.applied.items()}
        return {each: offset for each, offset in offsets.items() if offset != NEVER_COMMITTED}

    def settle(self) -> None:
        """Make state and positions agree with what the group has committed, then fetch.

        Returns without fetching where it has to be tried again.

        Raises
        ------
        HeadraceError
            The broker stayed lost, or the changelog contradicts the committed offsets.
        """
        if not self._partitions:
            self.poll(IDLE_S)
            return
        epoch = self.epoch
        try:
            committed = self._committed()
            whole = self._restore_if_true(committed, epoch) and self._companion.settle(
                self._state, committed, lambda: self._goes_on(epoch)
            )
        except KafkaException as error:
            self._bear(error)
            return
        if whole and self._goes_on(epoch):
            self._in_doubt = None
            self.consumer.assign(
                [
                    _at(topic, partition, offset)
                    for partition, offsets in committed.items()
                    for topic, offset in zip(self.topics, offsets, strict=True)
                ]
            )
            self.fetching = True
            self.course += 1

    def _hear(self, error: KafkaError) -> None:
        """Take what librdkafka reports; it has logged what concerns one connection."""
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            _log.warning("no broker answers: %s", error.str())
            self._is_broker_away = True

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._rebalanced(self._of_all_topics(partitions))
        self._joined = True
        self._drop(set(self.applied) - self._partitions)
        consumer.assign([])  # settling assigns them for real, at the right offsets
        _log.info("assigned %s", sorted(self._partitions))

    def _of_all_topics(self, partitions: Sequence[TopicPartition]) -> set[int]:
        """Return the partitions given, which are those of each input.

        Raises
        ------
        HeadraceError
            They are not.
        """
        given = [{p.partition for p in partitions if p.topic == topic} for topic in self.topics]
        if any(each != given[0] for each in given):
            raise HeadraceError(
                f"The group was given other partitions of {self.topics[0]} than of "
                f"{', '.join(self.topics[1:])}.",
                fix="They need as many partitions each, and a group whose members all read all.",
            )
        return given[0]

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Keep the state: the next assignment may give the partition back untouched."""
        self._rebalanced(set())
        self._joined = False
        consumer.unassign()
        _log.info("revoked %s", sorted(each.partition for each in partitions))

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._on_revoke(consumer, partitions)
        self._drop(set(self.applied))

    def _rebalanced(self, partitions: set[int]) -> None:
        self.epoch += 1
        self.fetching = False
        self._finish()
        self._partitions = partitions
        self._unsettled_since = monotonic()

    def _drop(self, partitions: set[int]) -> None:
        for partition in partitions:
            self._state.drop(partition)
            self.applied.pop(partition, None)

    def _committed(self) -> dict[int, Offsets]:
        """Return the stable committed offsets by partition; merge a batch that turns out done."""
        partitions = sorted(self._partitions)
        asked = [TopicPartition(topic, each) for each in partitions for topic in self.topics]
        answer = self.consumer.committed(asked, _CALL_S)
        for each in answer:
            if each.error is not None:
                raise KafkaException(each.error)
        if self._in_doubt is not None:
            self._merge_if_done(self._in_doubt, answer)
        offsets = {
            (each.topic, each.partition): each.offset if each.offset >= 0 else NEVER_COMMITTED
            for each in answer
        }
        return {each: tuple(offsets[topic, each] for topic in self.topics) for each in partitions}

    def _merge_if_done(self, doubt: InDoubt[V], answer: list[TopicPartition]) -> None:
        """Merge where the committed offset is the batch's own.

        The token tells our commit from that of a member which has taken over and got as far.
        What was lost meanwhile is restored instead: there is no state left to merge into.
        """
        done = {
            each.partition: each.offset
            for each in answer
            if each.metadata == doubt.token
            and each.topic == self.topics[doubt.source]
            and each.offset == doubt.positions.get(each.partition)
        }
        if done:
            held = {partition: done[partition] for partition in done if partition in self.applied}
            doubt.overlay.merge(set(held))
            self.advance(doubt.source, held)
            self.recovered += 1
            self._in_doubt = None
            doubt.then()

    def _restore_if_true(self, committed: dict[int, Offsets], epoch: int) -> bool:
        """Restore; False where others moved the committed offsets on while this one slept."""
        try:
            return self._restore(committed, epoch)
        except Contradiction:
            self._drop(set(committed))
            if self._committed() == committed:
                raise  # nobody moved them: the changelog does contradict them
            return False

    def _restore(self, committed: dict[int, Offsets], epoch: int) -> bool:
        """Restore what does not reflect the committed offset; False where it was abandoned."""
        stale = {p: offsets for p, offsets in committed.items() if self.applied.get(p) != offsets}
        if not stale:
            return True
        started = monotonic()
        self._drop(set(stale))
        try:
            whole = self._restorer.restore(
                self._state, stale, lambda: self._goes_on(epoch), self._patience_s
            )
        except KafkaException:
            self._drop_values(set(stale))
            raise
        if not whole:
            self._drop_values(set(stale))
            return False
        self.applied.update(stale)
        gc.freeze()  # what was restored stays: the collector need not look at it
        self.restore_s = monotonic() - started
        _log.info("restored %s: %d keys held", sorted(stale), len(self._state))
        return True

    def _drop_values(self, partitions: set[int]) -> None:
        """Forget what a restore that did not end has left."""
        for partition in partitions:
            self._state.drop(partition)

    def _goes_on(self, epoch: int) -> bool:
        self.poll(0)
        return epoch == self.epoch and not self._stopping

    def _bear(self, error: KafkaException) -> None:
        """Let it be tried again, until patience ends."""
        _log.warning("cannot settle yet: %s", error)
        if monotonic() - self._unsettled_since > self._patience_s:
            raise self._unsettled(error) from error
        self.poll(IDLE_S)

    def _unsettled(self, error: KafkaException) -> HeadraceError:
        """Return what is to be said where patience has ended."""
        if self._answers():
            return HeadraceError(
                f"A broker answers, and does not tell where the group of {self.topics[0]} stands: "
                f"{error}. It may wait for the end of a transaction that it has lost.",
                fix="Look at docs/decisions/0011-a-lost-marker.md; a restart does not help.",
            )
        return HeadraceError(
            f"The broker could not be asked where the group of {self.topics[0]} stands: {error}.",
            fix="Bring the broker back; the service then goes on where it stood.",
        )

    def _answers(self) -> bool:
        try:
            self.consumer.list_topics(self.topics[0], _LOOK_S)
        except KafkaException:
            return False
        return True


def _at(topic: str, partition: int, offset: int) -> TopicPartition:
    start = OFFSET_BEGINNING if offset == NEVER_COMMITTED else offset
    return TopicPartition(topic, partition, start)
