"""A transactional producer with the states, refusals and resumptions of librdkafka's."""

from typing import Literal

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from support.fake_kafka import group_metadata as metadata_format
from support.fake_kafka.errors import failure, requires_abort, wrong_state
from support.fake_kafka.log import Committed, PartitionLog, Record
from support.fake_kafka.process import Process, call
from support.fake_kafka.producer import FakeProducer

_State = Literal["Init", "Ready", "InTransaction", "AbortableError", "FatalError"]
_RESUMABLE = ("init_transactions", "commit_transaction", "abort_transaction")


class FakeTransactionalProducer(FakeProducer):
    """The transactional subset of ``confluent_kafka.Producer``.

    A resumable call whose answer did not come leaves the producer in that call: only the same
    call again is allowed, and tells how it ended.
    """

    def __init__(
        self, process: Process, transactional_id: str, timeout_ms: int, largest: int
    ) -> None:
        super().__init__(process, largest)
        self._id = transactional_id
        self._timeout_ms = timeout_ms
        self._epoch = -1
        self._state: _State = "Init"
        self._error: KafkaError | None = None
        self._undelivered_records = 0
        self._unanswered: str | None = None

    @call
    def init_transactions(self, timeout: float = -1) -> None:
        """Fence every earlier producer of this transactional id and abort what it left open."""
        del timeout
        if self._resumed("init_transactions", "Init"):
            return
        self._epoch = self._kafka.transactions.initialise(self._id, self._timeout_ms)
        self._state = "Ready"

    @call
    def begin_transaction(self) -> None:
        """Begin a transaction; the broker learns of it with the first record."""
        self._resumed("begin_transaction", "Ready")
        self._undelivered_records = 0
        self._state = "InTransaction"

    @call
    def send_offsets_to_transaction(
        self, positions: list[TopicPartition], group_metadata: bytes, timeout: float = -1
    ) -> None:
        """Make offsets part of the transaction; refused if the metadata are of another member."""
        del timeout
        self._resumed("send_offsets_to_transaction", "InTransaction")
        group, generation, member_id = metadata_format.decode(group_metadata)
        valid = [at for at in positions if at.offset >= 0]
        if not valid:
            return
        offsets = {
            (group, at.topic, at.partition): Committed(at.offset, at.metadata or "") for at in valid
        }
        self._kafka.transactions.check(self._id, self._epoch)
        self._kafka.groups.check(group, generation, member_id)
        self._kafka.transactions.add_offsets(self._id, self._epoch, offsets)

    @call
    def commit_transaction(self, timeout: float = -1) -> None:
        """Commit what was produced and the offsets."""
        del timeout
        if self._resumed("commit_transaction", "InTransaction"):
            return
        self._serve()
        if self._undelivered_records:
            reason = f"{self._undelivered_records} message(s) failed delivery"
            raise requires_abort(KafkaError._INCONSISTENT, reason)
        self._kafka.transactions.commit(self._id, self._epoch)
        self._state = "Ready"

    @call
    def abort_transaction(self, timeout: float = -1) -> None:
        """Abort what was produced and the offsets."""
        del timeout
        if self._resumed("abort_transaction", "InTransaction", "AbortableError"):
            return
        self._serve()
        self._kafka.transactions.abort(self._id, self._epoch)
        self._state = "Ready"

    def _resumed(self, operation: str, *states: _State) -> bool:
        """Say whether the call before has done it; raise where the call is not allowed."""
        if self._unanswered not in (None, operation):
            reason = f"Conflicting {self._unanswered} API call is already in progress"
            raise failure(KafkaError._CONFLICT, reason, retriable=True)
        if self._unanswered == operation:
            self._unanswered = None
            if self._state == "Ready":
                return True
        self._require(states)
        return False

    def _require(self, states: tuple[_State, ...]) -> None:
        if self._state in states:
            return
        if self._error is not None and self._state in ("AbortableError", "FatalError"):
            raise KafkaException(self._error)
        raise wrong_state(f"Operation not valid in state {self._state}")

    def _may_produce(self) -> None:
        if self._state == "FatalError":
            raise failure(KafkaError._FATAL, "the producer has failed for good")
        if self._state != "InTransaction":
            raise wrong_state(f"Operation not valid in state {self._state}")

    def _append(self, log: PartitionLog, record: Record) -> Message:
        return self._kafka.transactions.append(self._id, self._epoch, log, record)

    def _undelivered(self, error: KafkaError) -> None:
        self._undelivered_records += 1
        self._take_note(error)

    def _failed(self, operation: str, error: KafkaError) -> None:
        self._take_note(error)
        if operation in _RESUMABLE and error.retriable():
            self._unanswered = self._unanswered or operation

    def _take_note(self, error: KafkaError) -> None:
        if error.fatal() and self._state != "FatalError":
            self._state, self._error = "FatalError", error
        elif error.txn_requires_abort() and self._state == "InTransaction":
            self._state, self._error = "AbortableError", error
