"""The broker: topics, what its coordinators hold, and what a test may do to it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from confluent_kafka import KafkaError, Message, TopicPartition

from support.fake_kafka.errors import failure
from support.fake_kafka.faults import Faults
from support.fake_kafka.groups import GroupCoordinator
from support.fake_kafka.log import PartitionLog
from support.fake_kafka.transactions import TransactionCoordinator


@dataclass(eq=False)
class FakeKafka:
    """A broker in memory; its time passes where a client waits in vain, and by the test."""

    now_ms: int = 1_700_000_000_000
    faults: Faults = field(default_factory=Faults)
    topics: dict[str, list[PartitionLog]] = field(default_factory=dict)
    max_message_bytes: dict[str, int] = field(default_factory=dict)
    fetch_records: int = 1_000
    """Most records that a consumer takes from a partition before it turns to the next one."""

    def __post_init__(self) -> None:
        self.groups = GroupCoordinator(self.topics)
        self.transactions = TransactionCoordinator(lambda: self.now_ms)

    def create_topic(
        self, name: str, partitions: int = 1, max_message_bytes: int = 1_048_588
    ) -> None:
        """Create a topic; a record larger than ``max_message_bytes`` is refused in it."""
        self.topics[name] = [PartitionLog(name, number) for number in range(partitions)]
        self.max_message_bytes[name] = max_message_bytes

    def log(self, topic: str, partition: int) -> PartitionLog:
        """Return a partition's log; ``KafkaException`` where there is none."""
        logs = self.topics.get(topic, [])
        if not 0 <= partition < len(logs):
            raise failure(KafkaError.UNKNOWN_TOPIC_OR_PART, f"{topic} [{partition}]")
        return logs[partition]

    def records(self, topic: str) -> Iterator[Message]:
        """Iterate over a topic's committed records, partition after partition."""
        for log in self.topics[topic]:
            yield from log.committed()

    def committed(self, group: str, topic: str) -> list[TopicPartition]:
        """Return a group's committed offsets with their metadata, those that exist."""
        return [
            TopicPartition(topic, log.partition, held.offset, metadata=held.metadata)
            for log in self.topics[topic]
            if (held := self.transactions.offsets.get((group, topic, log.partition)))
        ]

    def pass_time(self, seconds: float) -> None:
        """Let time pass; transactions that are open for too long end with it."""
        self.now_ms += round(max(seconds, 0) * 1_000)
        self.transactions.expire()

    def expire_transactions(self) -> None:
        """Let every open transaction reach its timeout."""
        self.transactions.expire(at_once=True)

    def compact(self, topic: str) -> None:
        """Let the cleaner go over a topic."""
        for log in self.topics[topic]:
            log.compact()
