"""The transaction coordinator: one open transaction for each transactional id, and fencing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from confluent_kafka import Message

from support.fake_kafka.errors import fenced
from support.fake_kafka.log import Committed, PartitionLog, Record, Transaction

_Offsets = dict[tuple[str, str, int], Committed]


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
        self.offsets: _Offsets = {}
        """Committed offsets by (group, topic, partition)."""

    def initialise(self, transactional_id: str, timeout_ms: int) -> int:
        """Abort what is open, fence all earlier producers and return the new epoch."""
        session = self._sessions.setdefault(transactional_id, _Session())
        session.timeout_ms = timeout_ms
        session.epoch += 1
        _end(session, "aborted")
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

    def add_offsets(self, transactional_id: str, epoch: int, offsets: _Offsets) -> None:
        """Make offsets part of the open transaction, opening it with the first ones."""
        self._opened(transactional_id, epoch).offsets.update(offsets)

    def commit(self, transactional_id: str, epoch: int) -> None:
        """Make the transaction's records visible and its offsets the group's."""
        session = self.check(transactional_id, epoch)
        if session.transaction is not None:
            self.offsets.update(session.transaction.offsets)
        _end(session, "committed")

    def abort(self, transactional_id: str, epoch: int) -> None:
        """End the transaction without a trace but its markers."""
        _end(self.check(transactional_id, epoch), "aborted")

    def expire(self, *, at_once: bool = False) -> None:
        """Abort the transactions past their timeout, or all, and fence their producers."""
        for session in self._sessions.values():
            past = self._now_ms() - session.opened_at_ms >= session.timeout_ms
            if session.transaction is not None and (past or at_once):
                session.epoch += 1
                _end(session, "aborted")

    def pending(self, group: str, topic: str, partition: int) -> bool:
        """Say whether an open transaction will, or will not, commit an offset here."""
        return any(
            session.transaction is not None
            and (group, topic, partition) in session.transaction.offsets
            for session in self._sessions.values()
        )

    def _opened(self, transactional_id: str, epoch: int) -> Transaction:
        session = self.check(transactional_id, epoch)
        if session.transaction is None:
            session.transaction = Transaction()
            session.opened_at_ms = self._now_ms()
        return session.transaction


def _end(session: _Session, outcome: Literal["committed", "aborted"]) -> None:
    transaction = session.transaction
    if transaction is None:
        return
    transaction.outcome = outcome
    for log in sorted(transaction.logs, key=lambda log: (log.topic, log.partition)):
        log.mark(transaction)
    session.transaction = None
