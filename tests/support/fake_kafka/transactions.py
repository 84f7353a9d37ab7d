"""The transaction coordinator: one open transaction for each transactional id, and fencing."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from confluent_kafka import Message

from support.fake_kafka.errors import fenced
from support.fake_kafka.log import Committed, PartitionLog, Record, Transaction
from support.fake_kafka.offsets import GroupOffsets, Key


@dataclass(slots=True)
class _Session:
    timeout_ms: int = 0
    epoch: int = -1
    transaction: Transaction | None = None
    opened_at_ms: int = 0


class TransactionCoordinator:
    """Begins, ends, fences and expires transactions; keeps the offsets that groups committed.

    Parameters
    ----------
    now_ms
        The broker's clock, in milliseconds.
    """

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._sessions: dict[str, _Session] = {}
        self._loses_markers = False
        self._unmarked: list[str] = []
        self.offsets = GroupOffsets()

    def initialise(self, transactional_id: str, timeout_ms: int) -> int:
        """Abort what is open, fence all earlier producers and return the new epoch."""
        session = self._sessions.setdefault(transactional_id, _Session())
        session.timeout_ms = timeout_ms
        session.epoch += 1
        self._end(transactional_id, "aborted")
        return session.epoch

    def check(self, transactional_id: str, epoch: int) -> _Session:
        """Return the session; ``KafkaException`` where its producer has been fenced."""
        session = self._sessions[transactional_id]
        if session.epoch != epoch:
            raise fenced(transactional_id)
        return session

    def append(
        self, transactional_id: str, epoch: int, log: PartitionLog, record: Record
    ) -> Message:
        """Append a record within the open transaction, opening it with the first one."""
        return log.append(record, self._opened(transactional_id, epoch))

    def add_group(self, transactional_id: str, epoch: int) -> None:
        """Make the group coordinator one of those who are told how the transaction ends."""
        self._opened(transactional_id, epoch).has_offsets = True

    def add_offsets(
        self, transactional_id: str, epoch: int, offsets: Mapping[Key, Committed]
    ) -> None:
        """Make offsets part of the open transaction."""
        self.check(transactional_id, epoch)
        self.offsets.add(transactional_id, offsets)

    def commit(self, transactional_id: str, epoch: int) -> None:
        """Make the transaction's records visible and its offsets the group's."""
        self.check(transactional_id, epoch)
        self._end(transactional_id, "committed")

    def abort(self, transactional_id: str, epoch: int) -> None:
        """End the transaction without a trace but its markers."""
        self.check(transactional_id, epoch)
        self._end(transactional_id, "aborted")

    def expire(self, *, at_once: bool = False) -> None:
        """Abort the transactions past their timeout, or all, and fence their producers."""
        for transactional_id, session in self._sessions.items():
            past = self._now_ms() - session.opened_at_ms >= session.timeout_ms
            if session.transaction is not None and (past or at_once):
                session.epoch += 1
                self._end(transactional_id, "aborted")

    @contextmanager
    def losing_markers(self) -> Iterator[None]:
        """Let commits be whole ones but for what the groups' offsets are told of them."""
        self._loses_markers = True
        try:
            yield
        finally:
            self._loses_markers = False

    def find_markers(self) -> None:
        """Write the markers that were lost and not made up for."""
        for transactional_id in self._unmarked:
            self.offsets.end(transactional_id, committed=True)
        self._unmarked.clear()

    def _opened(self, transactional_id: str, epoch: int) -> Transaction:
        session = self.check(transactional_id, epoch)
        if session.transaction is None:
            session.transaction = Transaction()
            session.opened_at_ms = self._now_ms()
        return session.transaction

    def _end(self, transactional_id: str, outcome: Literal["committed", "aborted"]) -> None:
        session = self._sessions[transactional_id]
        transaction, session.transaction = session.transaction, None
        if transaction is None:
            return
        transaction.outcome = outcome
        for log in sorted(transaction.logs, key=lambda log: (log.topic, log.partition)):
            log.mark(transaction)
        if not transaction.has_offsets:
            return
        if self._loses_markers and outcome == "committed":
            self._unmarked.append(transactional_id)
            return
        self._unmarked = [each for each in self._unmarked if each != transactional_id]
        self.offsets.end(transactional_id, committed=outcome == "committed")
