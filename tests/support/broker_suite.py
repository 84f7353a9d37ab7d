"""What a broker and its clients promise: one suite, run against the fake and the real one."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import pytest
from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_INVALID,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin._listoffsets import OffsetSpec

Client = Any  # the fake's or confluent_kafka's: that both fit is what the suite shows


class Broker(Protocol):
    """What the suite needs to know of the broker that it runs against."""

    def clients(self) -> Client:
        """Return the clients of a process."""

    def topic(self, partitions: int = 1, max_message_bytes: int = 1_048_588) -> str:
        """Create a topic of the test's own."""

    def name(self) -> str:
        """Return a group or transactional id that nobody used before."""

    def until(self, reached: Callable[[], bool]) -> None:
        """Call again until it says True; fail where it never does."""

    def expel(self, member: "Member") -> None:
        """Let the group go on without a member, and the member's client learn of it unpolled."""

    def expire_transactions(self) -> None:
        """Let transactions with a timeout of a second reach it; the broker may take its time."""

    def lose_commit_answer(self, producer: Client) -> KafkaException:
        """Commit, and let the answer come too late; return what was raised instead."""


class BrokerSuite:
    """Runs against the broker of the fixture ``broker``."""

    def test_a_transaction_is_seen_when_it_is_committed(self, broker: Broker) -> None:
        topic, producer = broker.topic(), _initialised(broker)
        producer.begin_transaction()
        producer.produce(topic, b"value", b"key", headers=[("name", b"header")])
        producer.flush()
        assert _values(broker, topic) == []
        assert _values(broker, topic, "read_uncommitted") == [b"value"]
        producer.commit_transaction()
        (message,) = _records(broker, topic)
        assert (message.key(), message.value(), message.offset()) == (b"key", b"value", 0)
        assert message.headers() == [("name", b"header")]

    def test_an_aborted_transaction_is_never_seen(self, broker: Broker) -> None:
        topic, producer = broker.topic(), _initialised(broker)
        producer.begin_transaction()
        producer.produce(topic, b"aborted")
        producer.flush()
        producer.abort_transaction()
        _transact(producer, topic, b"committed")
        assert _values(broker, topic) == [b"committed"]
        assert _values(broker, topic, "read_uncommitted") == [b"aborted", b"committed"]

    def test_the_marker_of_a_transaction_takes_an_offset(self, broker: Broker) -> None:
        topic, producer = broker.topic(), _initialised(broker)
        _transact(producer, topic, b"first")
        _transact(producer, topic, b"second")
        assert [message.offset() for message in _records(broker, topic)] == [0, 2]
        assert _end(broker, topic, "read_committed") == 4
        *_, end = _read(broker, topic)
        assert (_code(end), end.offset()) == (KafkaError._PARTITION_EOF, 4)

    def test_a_reader_stops_at_the_first_open_transaction(self, broker: Broker) -> None:
        topic, first, second = broker.topic(), _initialised(broker), _initialised(broker)
        _transact(second, topic, b"before")
        first.begin_transaction()
        first.produce(topic, b"open")
        first.flush()
        _transact(second, topic, b"after")
        assert _values(broker, topic) == [b"before"]
        assert _end(broker, topic, "read_committed") == 2
        assert _end(broker, topic, "read_uncommitted") == 5
        first.commit_transaction()
        assert _values(broker, topic) == [b"before", b"open", b"after"]
        assert _end(broker, topic, "read_committed") == 6

    def test_offsets_are_committed_with_the_transaction_and_their_metadata(
        self, broker: Broker
    ) -> None:
        topic, producer = broker.topic(), _initialised(broker)
        consumer = broker.clients().consumer(broker.name())
        assert [at.offset for at in _committed(consumer, topic)] == [OFFSET_INVALID]
        producer.begin_transaction()
        offsets = [TopicPartition(topic, 0, 7, metadata="seven")]
        producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata())
        producer.commit_transaction()
        (committed,) = _committed(consumer, topic)
        assert (committed.offset, committed.metadata) == (7, "seven")
        consumer.close()

    def test_an_aborted_transaction_commits_no_offset(self, broker: Broker) -> None:
        topic, producer = broker.topic(), _initialised(broker)
        consumer = broker.clients().consumer(broker.name())
        producer.begin_transaction()
        offsets = [TopicPartition(topic, 0, 7)]
        producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata())
        producer.abort_transaction()
        assert [at.offset for at in _committed(consumer, topic)] == [OFFSET_INVALID]
        consumer.close()

    def test_committed_offsets_are_not_told_while_a_transaction_may_change_them(
        self, broker: Broker
    ) -> None:
        topic, producer = broker.topic(), _initialised(broker)
        consumer = broker.clients().consumer(broker.name())
        producer.begin_transaction()
        offsets = [TopicPartition(topic, 0, 7)]
        producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata())
        with pytest.raises(KafkaException) as raised:
            consumer.committed([TopicPartition(topic, 0)], timeout=1)
        assert raised.value.args[0].code() == KafkaError._TIMED_OUT
        producer.commit_transaction()
        assert [at.offset for at in _committed(consumer, topic)] == [7]
        consumer.close()

    def test_a_second_producer_fences_the_first_and_aborts_what_it_left(
        self, broker: Broker
    ) -> None:
        topic, transactional_id = broker.topic(), broker.name()
        first = _initialised(broker, transactional_id)
        first.begin_transaction()
        first.produce(topic, b"first")
        first.flush()
        second = _initialised(broker, transactional_id)
        _transact(second, topic, b"second")
        with pytest.raises(KafkaException) as raised:
            first.commit_transaction()
        error = raised.value.args[0]
        assert (error.code(), error.fatal()) == (KafkaError._FENCED, True)
        with pytest.raises(KafkaException) as raised:
            first.begin_transaction()
        assert raised.value.args[0].fatal()
        assert _values(broker, topic) == [b"second"]

    def test_a_fenced_producer_adds_nothing_to_the_log(self, broker: Broker) -> None:
        topic, transactional_id = broker.topic(), broker.name()
        first = _initialised(broker, transactional_id)
        _initialised(broker, transactional_id)
        first.begin_transaction()
        first.produce(topic, b"zombie")
        with pytest.raises(KafkaException) as raised:
            first.commit_transaction()
        assert raised.value.args[0].fatal()
        assert _values(broker, topic, "read_uncommitted") == []

    def test_a_transaction_is_begun_once_and_produced_in_only_while_it_is_open(
        self, broker: Broker
    ) -> None:
        topic, producer = broker.topic(), _initialised(broker)
        assert _refusal(lambda: producer.produce(topic, b"early")) == KafkaError._STATE
        assert _refusal(producer.commit_transaction) == KafkaError._STATE
        producer.begin_transaction()
        assert _refusal(producer.begin_transaction) == KafkaError._STATE
        producer.commit_transaction()
        assert _refusal(producer.abort_transaction) == KafkaError._STATE

    def test_a_record_larger_than_the_client_allows_is_refused_at_once(
        self, broker: Broker
    ) -> None:
        topic, producer = broker.topic(), _initialised(broker)
        producer.begin_transaction()
        large = bytes(4_194_305)
        assert _refusal(lambda: producer.produce(topic, large)) == KafkaError.MSG_SIZE_TOO_LARGE
        producer.produce(topic, b"small")
        producer.commit_transaction()
        assert _values(broker, topic) == [b"small"]

    def test_a_record_larger_than_the_topic_allows_fails_the_transaction(
        self, broker: Broker
    ) -> None:
        topic, producer = broker.topic(max_message_bytes=1_000), _initialised(broker)
        producer.begin_transaction()
        producer.produce(topic, bytes(2_000))
        with pytest.raises(KafkaException) as raised:
            producer.commit_transaction()
        assert raised.value.args[0].txn_requires_abort()
        producer.abort_transaction()
        # The real client stumbles once more over the gap that the record left in its sequence.
        broker.until(lambda: _transacted(producer, topic, b"small"))
        assert _values(broker, topic) == [b"small"]

    def test_a_commit_whose_answer_was_lost_is_resumed_by_the_same_call(
        self, broker: Broker
    ) -> None:
        topic, producer = broker.topic(), _initialised(broker)
        producer.begin_transaction()
        producer.produce(topic, b"value")
        producer.flush()
        error = broker.lose_commit_answer(producer).args[0]
        assert (error.code(), error.retriable()) == (KafkaError._TIMED_OUT, True)
        assert _refusal(producer.abort_transaction) == KafkaError._CONFLICT
        assert _refusal(producer.begin_transaction) == KafkaError._CONFLICT
        producer.commit_transaction()
        assert _values(broker, topic) == [b"value"]
        _transact(producer, topic, b"next")

    def test_a_transaction_that_is_open_for_too_long_is_aborted_and_its_producer_fenced(
        self, broker: Broker
    ) -> None:
        topic = broker.topic()
        producer = broker.clients().transactional_producer(broker.name(), 1_000)
        producer.init_transactions(10)
        producer.begin_transaction()
        producer.produce(topic, b"late")
        producer.flush()
        broker.expire_transactions()
        broker.until(lambda: _end(broker, topic, "read_committed") == 2)
        with pytest.raises(KafkaException) as raised:
            producer.commit_transaction()
        error = raised.value.args[0]
        assert (error.code(), error.fatal()) == (KafkaError._FENCED, True)
        assert _values(broker, topic) == []

    def test_one_key_has_one_partition(self, broker: Broker) -> None:
        topic, producer = broker.topic(partitions=4), _initialised(broker)
        producer.begin_transaction()
        for number in range(20):
            producer.produce(topic, b"", f"card-{number}".encode())
        producer.commit_transaction()
        placed = {message.key(): message.partition() for message in _records(broker, topic, 4)}
        assert [placed[f"card-{number}".encode()] for number in range(8)] == _MURMUR2_OF_4

    def test_a_member_without_committed_offsets_is_told_so_where_it_may_not_choose(
        self, broker: Broker
    ) -> None:
        topic = broker.topic()
        told: list[int | None] = []
        consumer = broker.clients().consumer(broker.name())
        consumer.subscribe([topic])

        def is_told() -> bool:
            message = consumer.poll(0.1)
            if message is not None:
                told.append(_code(message))
            return bool(told)

        broker.until(is_told)
        assert told == [KafkaError._AUTO_OFFSET_RESET]
        consumer.close()

    def test_a_reader_knows_the_high_watermark_once_it_has_fetched(self, broker: Broker) -> None:
        topic, producer = broker.topic(), _initialised(broker)
        _transact(producer, topic, b"committed")
        producer.begin_transaction()
        producer.produce(topic, b"open")
        producer.flush()
        at, consumer = TopicPartition(topic, 0, OFFSET_BEGINNING), broker.clients().reader()
        consumer.assign([at])
        assert consumer.get_watermark_offsets(at, cached=True) == (OFFSET_INVALID, OFFSET_INVALID)
        broker.until(lambda: any(message.error() for message in consumer.consume(1, 0.1)))
        assert consumer.get_watermark_offsets(at, cached=True) == (0, 3)
        assert consumer.get_watermark_offsets(at) == (0, 2)
        assert consumer.position([at])[0].offset == 2
        consumer.close()

    def test_an_offset_past_the_end_is_told_where_the_reader_may_not_choose_another(
        self, broker: Broker
    ) -> None:
        topic = broker.topic()
        told: list[int | None] = []
        consumer = broker.clients().consumer(broker.name())
        consumer.assign([TopicPartition(topic, 0, 99)])

        def is_told() -> bool:
            told.extend(_code(message) for message in consumer.consume(1, 0.1))
            return bool(told)

        broker.until(is_told)
        assert told == [KafkaError._AUTO_OFFSET_RESET]
        consumer.close()

    def test_a_closed_consumer_reads_no_more(self, broker: Broker) -> None:
        consumer = broker.clients().reader()
        consumer.close()
        with pytest.raises(RuntimeError, match="closed"):
            consumer.poll(0)

    def test_a_paused_partition_is_not_read_until_it_is_resumed(self, broker: Broker) -> None:
        topic, producer = broker.topic(), _initialised(broker)
        _transact(producer, topic, b"value")
        consumer = broker.clients().reader()
        consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
        consumer.pause([TopicPartition(topic, 0)])
        assert consumer.consume(10, 0.3) == []
        consumer.resume([TopicPartition(topic, 0)])
        broker.until(lambda: bool(consumer.consume(1, 0.1)))
        assert consumer.position([TopicPartition(topic, 0)])[0].offset == 1
        consumer.seek(TopicPartition(topic, 0, 0))
        broker.until(lambda: any(m.value() == b"value" for m in consumer.consume(1, 0.1)))
        consumer.close()


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
        producer = _initialised(broker)
        error = _offsets_refused(producer, topic, captured)
        assert error is not None
        assert error.code() == KafkaError.ILLEGAL_GENERATION
        assert error.txn_requires_abort()
        assert _refusal(producer.commit_transaction) == KafkaError.ILLEGAL_GENERATION
        producer.abort_transaction()
        fresh = first.consumer.consumer_group_metadata()
        assert _offsets_refused(producer, topic, fresh) is None
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
        producer = _initialised(broker)
        assert _offsets_refused(producer, topic, captured) is None
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
        producer = _initialised(broker)
        for metadata in (captured, zombie.consumer.consumer_group_metadata()):
            error = _offsets_refused(producer, topic, metadata)
            assert error is not None
            assert error.code() == KafkaError.UNKNOWN_MEMBER_ID
            producer.abort_transaction()
        broker.until(lambda: zombie.poll() == [0] and len(zombie.heard) > 1)
        assert zombie.heard == [("assigned", [0]), ("lost", [0]), ("assigned", [0])]
        fresh = zombie.consumer.consumer_group_metadata()
        assert _offsets_refused(producer, topic, fresh) is None
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
            on_revoke=lambda _, at: self.heard.append(("revoked", _numbers(at))),
            on_lost=lambda _, at: self.heard.append(("lost", _numbers(at))),
        )

    def _on_assign(self, consumer: Client, partitions: list[TopicPartition]) -> None:
        self.heard.append(("assigned", _numbers(partitions)))
        if self.reads is not None:
            consumer.assign(self.reads)

    @property
    def partitions(self) -> list[int]:
        """What it has been assigned."""
        return _numbers(self.consumer.assignment())

    def hears(self) -> tuple[str, list[int]]:
        """Poll once and return the latest that it heard."""
        self.poll()
        return self.heard[-1] if self.heard else ("nothing", [])

    def poll(self) -> list[int]:
        """Poll once and return what is assigned then."""
        self.consumer.poll(0.05)
        return self.partitions


_MEMBER = {
    "auto.offset.reset": "earliest",
    "heartbeat.interval.ms": 100,
    # The shortest that a broker takes: a member that does not poll for so long is expelled.
    "session.timeout.ms": 6_000,
    "max.poll.interval.ms": 6_000,
}
_MURMUR2_OF_4 = [1, 3, 0, 1, 0, 3, 0, 2]  # as Java's clients place card-0 to card-7


def _initialised(broker: Broker, transactional_id: str | None = None) -> Client:
    producer = broker.clients().transactional_producer(transactional_id or broker.name(), 10_000)
    producer.init_transactions(10)
    return producer


def _transact(producer: Client, topic: str, value: bytes) -> None:
    producer.begin_transaction()
    producer.produce(topic, value)
    producer.commit_transaction()


def _transacted(producer: Client, topic: str, value: bytes) -> bool:
    """Transact; where that fails, abort and say False."""
    try:
        _transact(producer, topic, value)
    except KafkaException:
        producer.abort_transaction()
        return False
    return True


def _read(
    broker: Broker, topic: str, isolation: str = "read_committed", partitions: int = 1
) -> Iterator[Message]:
    """Iterate over what a reader gets of a topic, up to its end and with it."""
    extra = {"isolation.level": isolation, "enable.partition.eof": True}
    consumer = broker.clients().consumer(broker.name(), **extra)
    consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in range(partitions)])
    ends = 0
    while ends < partitions:
        messages = consumer.consume(100, 0.1)
        ends += sum(message.error() is not None for message in messages)
        yield from messages
    consumer.close()


def _records(broker: Broker, topic: str, partitions: int = 1) -> list[Message]:
    read = _read(broker, topic, partitions=partitions)
    return [message for message in read if message.error() is None]


def _values(broker: Broker, topic: str, isolation: str = "read_committed") -> list[bytes | None]:
    return [m.value() for m in _read(broker, topic, isolation) if m.error() is None]


def _end(broker: Broker, topic: str, isolation: str) -> int:
    at, admin = TopicPartition(topic, 0), broker.clients().admin()
    level = IsolationLevel[isolation.upper()]
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # its own lack
    answers = admin.list_offsets({at: latest}, isolation_level=level)
    return int(answers[at].result().offset)


def _committed(consumer: Client, topic: str) -> list[TopicPartition]:
    committed: list[TopicPartition] = consumer.committed([TopicPartition(topic, 0)], timeout=10)
    return committed


def _refusal(refused: Callable[[], object]) -> int:
    """Return the code of the error with which a call is refused."""
    with pytest.raises(KafkaException) as raised:
        refused()
    return int(raised.value.args[0].code())


def _offsets_refused(producer: Client, topic: str, metadata: object) -> KafkaError | None:
    """Begin a transaction and send an offset; return the error with which it was refused."""
    producer.begin_transaction()
    try:
        producer.send_offsets_to_transaction([TopicPartition(topic, 0, 1)], metadata, 10)
    except KafkaException as refused:
        error: KafkaError = refused.args[0]
        return error
    return None


def _code(message: Message) -> int | None:
    error = message.error()
    return None if error is None else error.code()


def _numbers(partitions: list[TopicPartition]) -> list[int]:
    return sorted(at.partition for at in partitions)
