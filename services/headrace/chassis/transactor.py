"""Transactions on two producers that take turns, each committed beside other work.

Back-to-back transactions of one producer wait for the markers of the one before; two producers
taking turns don't. They never overlap: a transaction begins after the commit before it returned.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import repeat
from time import monotonic
from types import MappingProxyType
from typing import Any, NamedTuple

from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from headrace.chassis.beside import Answer, Beside
from headrace.chassis.tracing import Headers
from headrace.errors import HeadraceError

_log = logging.getLogger("headrace.transactor")

_CALL_S = 5.0  # one call's wait for the broker; the retries around it make the patience
_STUCK_S = 12.0  # two calls that were given less and have not returned by now may never do
_FENCED_MOST = 5
_FENCED_WITHIN_S = 30.0


class ToProduce(NamedTuple):
    """Records of one topic for the transaction."""

    topic: str
    keys: Sequence[str | bytes | None]
    values: Sequence[bytes | None]
    partitions: Sequence[int] | None = None
    """Of each; None leaves the choice to the partitioner."""
    headers: Mapping[int, Headers] = MappingProxyType({})
    """By index, of those that have any."""


class TransactionFailed(Exception):
    """The transaction may or may not have been committed: the committed offsets tell."""


class Begun:
    """A transaction whose records are written: its offsets and its commit are under way."""

    def __init__(
        self, producer: Producer, offsets: list[TopicPartition], group_metadata: Any
    ) -> None:
        self.producer = producer
        self.refused: KafkaException | None = None
        """Why not all records could be written, and so nothing is under way."""
        self.answer: Answer | None = None
        """Of the commit, as long as nobody waits for it."""
        self._offsets = offsets
        self._group_metadata = group_metadata
        self._has_offsets = False

    def commit(self) -> None:
        """Send the offsets and commit; done again, it goes on where it failed."""
        if not self._has_offsets:
            # After the group's coordinator was restarted, it may never return, whatever time it
            # was given: https://github.com/confluentinc/librdkafka/issues/5511 and 5456.
            self.producer.send_offsets_to_transaction(self._offsets, self._group_metadata, _CALL_S)
            self._has_offsets = True
        self.producer.commit_transaction(_CALL_S)


class Transactor:
    """Runs one transaction at a time; after any failure its producers are fit for the next."""

    def __init__(
        self,
        make: Callable[[str], Producer],
        transactional_ids: Sequence[str],
        commit_patience_s: float,
        settle_patience_s: float,
        go_on: Callable[[], bool],
    ) -> None:
        self._make = make
        self._ids = transactional_ids
        self._commit_patience_s = commit_patience_s
        self._settle_patience_s = settle_patience_s
        self._go_on = go_on
        self._producers: list[Producer] = []
        self._turn = 0
        self._fenced: deque[float] = deque(maxlen=_FENCED_MOST)
        self._beside = Beside()

    def open(self) -> None:
        """Make the producers; this ends whatever an earlier process left open.

        Raises
        ------
        KafkaException
            The broker did not answer in time, or before ``go_on`` said no.
        """
        for producer in self._producers:
            producer.purge()
        self._producers = []
        for transactional_id in self._ids:
            producer = self._make(transactional_id)
            persist(_initialise(producer), self._settle_patience_s, self._go_on)
            self._producers.append(producer)

    def begin(
        self, records: Iterable[ToProduce], offsets: list[TopicPartition], group_metadata: Any
    ) -> Begun:
        """Write records in a transaction, and have it committed with input offsets beside.

        Returns
        -------
        What :meth:`finish` takes, before anything else begins.
        """
        producer = self._producers[self._turn]
        begun = Begun(producer, offsets, group_metadata)
        try:
            producer.begin_transaction()
            for record in records:
                enqueue(producer, record)
        except KafkaException as error:
            begun.refused = error
        else:
            begun.answer = self._beside.begin(begun.commit)
        return begun

    def finish(self, begun: Begun) -> None:
        """Wait until a transaction is committed.

        Raises
        ------
        TransactionFailed
            It was aborted, or nobody knows; the producers have been set right.
        HeadraceError
            The broker is lost, or another process uses the same transactional ids.
        """
        try:
            if begun.refused is not None:
                raise begun.refused
            persist(lambda: self._await(begun), self._commit_patience_s)
        except KafkaException as error:
            _log.warning("transaction failed: %s", error)
            self._set_right(begun.producer, error.args[0])
            raise TransactionFailed(str(error)) from error
        self._turn = (self._turn + 1) % len(self._producers)

    def _await(self, begun: Begun) -> None:
        answer, begun.answer = begun.answer or self._beside.begin(begun.commit), None
        self._beside.end(answer, _STUCK_S)

    def _set_right(self, producer: Producer, error: KafkaError) -> None:
        if error.txn_requires_abort():
            try:
                persist(lambda: producer.abort_transaction(_CALL_S), self._commit_patience_s)
            except KafkaException as failed:
                _log.warning("abort failed: %s", failed)
            else:
                return
        if error.code() in (KafkaError._FENCED, KafkaError.INVALID_PRODUCER_EPOCH):
            self._count_fencing()
        self.open()

    def _count_fencing(self) -> None:
        """Being fenced once is a long sleep; again and again is a second process."""
        self._fenced.append(monotonic())
        full = len(self._fenced) == _FENCED_MOST
        if full and self._fenced[-1] - self._fenced[0] < _FENCED_WITHIN_S:
            raise HeadraceError(
                f"Another process uses the transactional ids {', '.join(self._ids)}.",
                fix="Give each running instance a name of its own by HEADRACE_INSTANCE.",
            )


def _initialise(producer: Producer) -> Callable[[], None]:
    return lambda: producer.init_transactions(_CALL_S)


def enqueue(producer: Producer, records: ToProduce) -> None:
    """Hand a producer the records of one topic."""
    topic, keys, values, partitions, headers = records
    if not len(keys) == len(values) == len(partitions or values):
        raise ValueError(f"{topic}: not as many keys or partitions as records")
    produce = producer.produce
    arguments = zip(repeat(topic), values, keys, partitions or repeat(-1), strict=False)
    for number, each in enumerate(arguments):
        try:
            if number in headers:
                produce(*each, headers=headers[number])
            else:
                produce(*each)
        except BufferError:
            _produce_once_there_is_room(producer, each, headers.get(number))


def _produce_once_there_is_room(
    producer: Producer,
    arguments: tuple[str, bytes | None, str | bytes | None, int],
    headers: Headers | None,
) -> None:
    """Queue a record where the queue is full: wait for the broker to take some."""
    while True:
        producer.poll(0.1)
        try:
            producer.produce(*arguments, headers=headers)
        except BufferError:
            continue
        return


def persist(
    call: Callable[[], object], patience_s: float, go_on: Callable[[], bool] = lambda: True
) -> None:
    """Repeat what librdkafka calls retriable until it is done or patience ends."""
    until = monotonic() + patience_s
    while True:
        try:
            call()
        except KafkaException as error:
            if not error.args[0].retriable() or monotonic() > until or not go_on():
                raise
        else:
            return
