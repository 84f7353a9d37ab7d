"""Metadata and offsets, as ``confluent_kafka.admin`` answers them."""

from concurrent.futures import Future

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin._listoffsets import (
    EarliestSpec,
    ListOffsetsResultInfo,
    OffsetSpec,
    TimestampSpec,
)
from confluent_kafka.admin._metadata import ClusterMetadata, PartitionMetadata, TopicMetadata

from support.fake_kafka.broker import FakeKafka
from support.fake_kafka.log import Isolation
from support.fake_kafka.process import FakeClient, call


def cluster_metadata(kafka: FakeKafka, topic: str | None) -> ClusterMetadata:
    """Return what ``list_topics`` tells of one topic or of all; an unknown one has an error."""
    metadata = ClusterMetadata()
    for name in kafka.topics if topic is None else [topic]:
        described = metadata.topics[name] = TopicMetadata()
        described.topic = name
        if name not in kafka.topics:
            described.error = KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART, name)
        for log in kafka.topics.get(name, []):
            partition = described.partitions[log.partition] = PartitionMetadata()
            partition.id = log.partition
            partition.leader = 1
    return metadata


class FakeAdmin(FakeClient):
    """The subset of ``AdminClient`` that the chassis uses."""

    @call
    def list_topics(self, topic: str | None = None, timeout: float = -1) -> ClusterMetadata:
        """Return the metadata of one topic or of all."""
        del timeout
        return cluster_metadata(self._kafka, topic)

    @call
    def list_offsets(
        self,
        topic_partition_offsets: dict[TopicPartition, OffsetSpec],
        isolation_level: IsolationLevel = IsolationLevel.READ_UNCOMMITTED,
        request_timeout: float = -1,
    ) -> dict[TopicPartition, "Future[ListOffsetsResultInfo]"]:
        """Return a future of each partition's earliest or latest offset, or that of a time."""
        del request_timeout
        stable = isolation_level == IsolationLevel.READ_COMMITTED
        isolation: Isolation = "read_committed" if stable else "read_uncommitted"
        return {
            at: self._answer(at, spec, isolation) for at, spec in topic_partition_offsets.items()
        }

    def _answer(
        self, at: TopicPartition, spec: OffsetSpec, isolation: Isolation
    ) -> "Future[ListOffsetsResultInfo]":
        future: Future[ListOffsetsResultInfo] = Future()
        try:
            log = self._kafka.log(at.topic, at.partition)
        except KafkaException as error:
            future.set_exception(error)
            return future
        if isinstance(spec, TimestampSpec):
            offset = log.offset_of(spec._value)
        else:
            offset = log.start if isinstance(spec, EarliestSpec) else log.end(isolation)
        future.set_result(ListOffsetsResultInfo(offset, -1, -1))
        return future
