"""Membership: one member alone, two together, and who may commit offsets when."""

from confluent_kafka import KafkaError, TopicPartition

from support.broker_suite.broker import (
    Broker,
    Client,
    initialised,
    numbers,
    offsets_refused,
    refusal,
)

_MEMBER = {
    "auto.offset.reset": "earliest",
    "heartbeat.interval.ms": 100,
    # The shortest that a broker takes: a member that does not poll for so long is expelled.
    "session.timeout.ms": 6_000,
    "max.poll.interval.ms": 6_000,
}


class GroupSuite:
    """Membership: one member alone, two together, and who may commit offsets when."""

    def test_a_second_member_takes_over_half_of_the_partitions(self, broker: Broker) -> None:
        topic, group = broker.topic(partitions=4), broker.name()
        first = Member(broker, group, topic)
        broker.until(lambda: first.poll() == [0, 1, 2, 3])
        second = Member(broker, group, topic)
        broker.until(lambda: sorted(map(len, (first.poll(), second.poll()))) == [2, 2])
        assert sorted(first.partitions + second.partitions) == [0, 1, 2, 3]
        assert first.heard[:2] == [("assigned", [0, 1, 2, 3]), ("revoked", [0, 1, 2, 3])]
        second.consumer.close()
        assert second.heard[-1][0] == "revoked"
        broker.until(lambda: first.poll() == [0, 1, 2, 3])
        first.consumer.close()

    def test_a_member_hears_of_what_the_group_takes_even_where_it_read_something_else(
        self, broker: Broker
    ) -> None:
        topic, group = broker.topic(partitions=2), broker.name()
        first = Member(broker, group, topic, reads=[])
        broker.until(lambda: first.poll() == [] and first.heard == [("assigned", [0, 1])])
        second = Member(broker, group, topic)
        broker.until(lambda: first.poll() == [] and len(second.poll()) == 1)
        assert first.heard[1] == ("revoked", [0, 1])
        for member in (first, second):
            member.consumer.close()

    def test_a_member_that_is_given_nothing_is_told_so(self, broker: Broker) -> None:
        topic, group = broker.topic(), broker.name()
        members = [Member(broker, group, topic) for _ in range(2)]
        both = [("assigned", []), ("assigned", [0])]
        broker.until(lambda: sorted(each.hears() for each in members) == both)
        idle, busy = sorted(members, key=lambda member: len(member.partitions))
        told = len(idle.heard)
        busy.consumer.close()
        broker.until(lambda: idle.poll() == [0])
        assert idle.heard[told - 1 :] == [("assigned", []), ("revoked", []), ("assigned", [0])]
        idle.consumer.close()

    def test_offsets_with_the_metadata_of_an_earlier_generation_are_refused(
        self, broker: Broker
    ) -> None:
        topic, group = broker.topic(partitions=2), broker.name()
        first = Member(broker, group, topic)
        broker.until(lambda: first.poll() == [0, 1])
        captured = first.consumer.consumer_group_metadata()
        second = Member(broker, group, topic)
        broker.until(lambda: len(first.poll()) == len(second.poll()) == 1)
        producer = initialised(broker)
        error = offsets_refused(producer, topic, captured)
        assert error is not None
        assert error.code() == KafkaError.ILLEGAL_GENERATION
        assert error.txn_requires_abort()
        assert refusal(producer.commit_transaction) == KafkaError.ILLEGAL_GENERATION
        producer.abort_transaction()
        fresh = first.consumer.consumer_group_metadata()
        assert offsets_refused(producer, topic, fresh) is None
        producer.commit_transaction()
        for member in (first, second):
            member.consumer.close()

    def test_the_old_generation_commits_until_all_have_joined_the_new_one(
        self, broker: Broker
    ) -> None:
        topic, group = broker.topic(partitions=2), broker.name()
        first = Member(broker, group, topic)
        broker.until(lambda: first.poll() == [0, 1])
        captured = first.consumer.consumer_group_metadata()
        second = Member(broker, group, topic)
        second.poll()
        producer = initialised(broker)
        assert offsets_refused(producer, topic, captured) is None
        producer.commit_transaction()
        for member in (first, second):
            member.consumer.close()

    def test_an_expelled_member_commits_only_with_what_it_learns_when_it_polls_again(
        self, broker: Broker
    ) -> None:
        topic, group = broker.topic(), broker.name()
        zombie = Member(broker, group, topic)
        broker.until(lambda: zombie.poll() == [0])
        captured = zombie.consumer.consumer_group_metadata()
        broker.expel(zombie)
        producer = initialised(broker)
        for metadata in (captured, zombie.consumer.consumer_group_metadata()):
            error = offsets_refused(producer, topic, metadata)
            assert error is not None
            assert error.code() == KafkaError.UNKNOWN_MEMBER_ID
            producer.abort_transaction()
        broker.until(lambda: zombie.poll() == [0] and len(zombie.heard) > 1)
        assert zombie.heard == [("assigned", [0]), ("lost", [0]), ("assigned", [0])]
        fresh = zombie.consumer.consumer_group_metadata()
        assert offsets_refused(producer, topic, fresh) is None
        producer.commit_transaction()
        zombie.consumer.close()


class Member:
    """A group's member that notes what it hears; it reads what it is given, or ``reads``."""

    def __init__(
        self, broker: Broker, group: str, topic: str, reads: list[TopicPartition] | None = None
    ) -> None:
        self.reads = reads
        self.heard: list[tuple[str, list[int]]] = []
        self.consumer: Client = broker.clients().consumer(group, **_MEMBER)
        self.consumer.subscribe(
            [topic],
            on_assign=self._on_assign,
            on_revoke=lambda _, at: self.heard.append(("revoked", numbers(at))),
            on_lost=lambda _, at: self.heard.append(("lost", numbers(at))),
        )

    def _on_assign(self, consumer: Client, partitions: list[TopicPartition]) -> None:
        self.heard.append(("assigned", numbers(partitions)))
        if self.reads is not None:
            consumer.assign(self.reads)

    @property
    def partitions(self) -> list[int]:
        """What it has been assigned."""
        return numbers(self.consumer.assignment())

    def hears(self) -> tuple[str, list[int]]:
        """Poll once and return the latest that it heard."""
        self.poll()
        return self.heard[-1] if self.heard else ("nothing", [])

    def poll(self) -> list[int]:
        """Poll once and return what is assigned then."""
        self.consumer.poll(0.05)
        return self.partitions
