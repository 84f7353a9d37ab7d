"""A producer without transactions; what the transactional one shares with it."""

from collections.abc import Callable

from confluent_kafka import KafkaError, KafkaException, Message, murmur2
from confluent_kafka.admin._metadata import ClusterMetadata

from support.fake_kafka.admin import cluster_metadata
from support.fake_kafka.errors import failure
from support.fake_kafka.log import Headers, PartitionLog, Record
from support.fake_kafka.process import FakeClient, Process, call

Delivery = Callable[[KafkaError | None, Message], None]


class FakeProducer(FakeClient):
    """The subset of ``confluent_kafka.Producer`` that the platform uses.

    A record is in the log when ``produce`` returns; its delivery report waits for ``poll`` or
    ``flush`` as in the real client.

    Parameters
    ----------
    largest
        Bytes of the largest record that the client itself lets pass (``message.max.bytes``).
    """

    def __init__(self, process: Process, largest: int) -> None:
        super().__init__(process)
        self._largest = largest
        self._unkeyed = 0
        self._reports: list[Callable[[], None]] = []

    def __len__(self) -> int:
        """Return the number of delivery reports that wait."""
        return len(self._reports)

    @call
    def produce(
        self,
        topic: str,
        value: str | bytes | None = None,
        key: str | bytes | None = None,
        partition: int = -1,
        on_delivery: Delivery | None = None,
        timestamp: int = 0,
        headers: Headers | None = None,
    ) -> None:
        """Append a record; partition -1 leaves the choice to the partitioner (murmur2)."""
        record = Record(_bytes(key), _bytes(value), headers, timestamp or self._kafka.now_ms)
        self._may_produce()
        if record.size > self._largest:
            raise failure(KafkaError.MSG_SIZE_TOO_LARGE, f"{record.size} > {self._largest} B")
        logs = self._kafka.topics.get(topic, [])
        number = self._choose(record.key, len(logs)) if partition < 0 else partition
        self._deliver(self._kafka.log(topic, number), record, on_delivery)

    @call
    def poll(self, timeout: float = -1) -> int:
        """Serve the delivery reports that wait and return their number."""
        del timeout
        return self._serve()

    @call
    def flush(self, timeout: float = -1) -> int:
        """Serve the delivery reports; nothing remains."""
        del timeout
        self._serve()
        return 0

    @call
    def purge(self) -> None:
        """Forget what was not sent yet: nothing, here."""

    @call
    def list_topics(self, topic: str | None = None, timeout: float = -1) -> ClusterMetadata:
        """Return the metadata of one topic or of all."""
        del timeout
        return cluster_metadata(self._kafka, topic)

    def _may_produce(self) -> None:
        """Raise where the client's state forbids it."""

    def _append(self, log: PartitionLog, record: Record) -> Message:
        return log.append(record, None)

    def _deliver(self, log: PartitionLog, record: Record, report: Delivery | None) -> None:
        error: KafkaError | None = None
        try:
            if record.size > self._kafka.max_message_bytes[log.topic]:
                raise failure(KafkaError.MSG_SIZE_TOO_LARGE, f"{log.topic}: {record.size} B")
            message = self._append(log, record)
        except KafkaException as refused:
            error = refused.args[0]
            self._undelivered(error)
            message = Message(
                topic=log.topic, partition=log.partition, key=record.key, value=record.value
            )
        if report is not None:
            self._reports.append(lambda: report(error, message))

    def _undelivered(self, error: KafkaError) -> None:
        """Take note that the broker refused a record."""

    def _choose(self, key: bytes | None, partitions: int) -> int:
        if partitions == 0:
            return 0
        if key is not None:
            return murmur2(key, partitions)
        self._unkeyed += 1
        return self._unkeyed % partitions

    def _serve(self) -> int:
        reports, self._reports = self._reports, []
        for report in reports:
            report()
        return len(reports)


def _bytes(data: str | bytes | None) -> bytes | None:
    return data.encode() if isinstance(data, str) else data
