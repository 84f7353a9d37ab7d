"""Transactions: what is seen, what is refused, who is fenced."""

import pytest
from confluent_kafka import OFFSET_INVALID, KafkaError, KafkaException, TopicPartition

from support.broker_suite.broker import (
    Broker,
    code,
    committed,
    end,
    initialised,
    read,
    records,
    refusal,
    transact,
    transacted,
    values,
)


class TransactionSuite:
    """Runs against the broker of the fixture ``broker``."""

    def test_a_transaction_is_seen_when_it_is_committed(self, broker: Broker) -> None:
        topic, producer = broker.topic(), initialised(broker)
        producer.begin_transaction()
        producer.produce(topic, b"value", b"key", headers=[("name", b"header")])
        producer.flush()
        assert values(broker, topic) == []
        assert values(broker, topic, "read_uncommitted") == [b"value"]
        producer.commit_transaction()
        (message,) = records(broker, topic)
        assert (message.key(), message.value(), message.offset()) == (b"key", b"value", 0)
        assert message.headers() == [("name", b"header")]

    def test_an_aborted_transaction_is_never_seen(self, broker: Broker) -> None:
        topic, producer = broker.topic(), initialised(broker)
        producer.begin_transaction()
        producer.produce(topic, b"aborted")
        producer.flush()
        producer.abort_transaction()
        transact(producer, topic, b"committed")
        assert values(broker, topic) == [b"committed"]
        assert values(broker, topic, "read_uncommitted") == [b"aborted", b"committed"]

    def test_the_marker_of_a_transaction_takes_an_offset(self, broker: Broker) -> None:
        topic, producer = broker.topic(), initialised(broker)
        transact(producer, topic, b"first")
        transact(producer, topic, b"second")
        assert [message.offset() for message in records(broker, topic)] == [0, 2]
        assert end(broker, topic, "read_committed") == 4
        *_, last = read(broker, topic)
        assert (code(last), last.offset()) == (KafkaError._PARTITION_EOF, 4)

    def test_a_reader_stops_at_the_first_open_transaction(self, broker: Broker) -> None:
        topic, first, second = broker.topic(), initialised(broker), initialised(broker)
        transact(second, topic, b"before")
        first.begin_transaction()
        first.produce(topic, b"open")
        first.flush()
        transact(second, topic, b"after")
        assert values(broker, topic) == [b"before"]
        assert end(broker, topic, "read_committed") == 2
        assert end(broker, topic, "read_uncommitted") == 5
        first.commit_transaction()
        assert values(broker, topic) == [b"before", b"open", b"after"]
        assert end(broker, topic, "read_committed") == 6

    def test_offsets_are_committed_with_the_transaction_and_their_metadata(
        self, broker: Broker
    ) -> None:
        topic, producer = broker.topic(), initialised(broker)
        consumer = broker.clients().consumer(broker.name())
        assert [at.offset for at in committed(consumer, topic)] == [OFFSET_INVALID]
        producer.begin_transaction()
        offsets = [TopicPartition(topic, 0, 7, metadata="seven")]
        producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata())
        producer.commit_transaction()
        (at,) = committed(consumer, topic)
        assert (at.offset, at.metadata) == (7, "seven")
        consumer.close()

    def test_an_aborted_transaction_commits_no_offset(self, broker: Broker) -> None:
        topic, producer = broker.topic(), initialised(broker)
        consumer = broker.clients().consumer(broker.name())
        producer.begin_transaction()
        offsets = [TopicPartition(topic, 0, 7)]
        producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata())
        producer.abort_transaction()
        assert [at.offset for at in committed(consumer, topic)] == [OFFSET_INVALID]
        consumer.close()

    def test_committed_offsets_are_not_told_while_a_transaction_may_change_them(
        self, broker: Broker
    ) -> None:
        topic, producer = broker.topic(), initialised(broker)
        consumer = broker.clients().consumer(broker.name())
        producer.begin_transaction()
        offsets = [TopicPartition(topic, 0, 7)]
        producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata())
        with pytest.raises(KafkaException) as raised:
            consumer.committed([TopicPartition(topic, 0)], timeout=1)
        assert raised.value.args[0].code() == KafkaError._TIMED_OUT
        producer.commit_transaction()
        assert [at.offset for at in committed(consumer, topic)] == [7]
        consumer.close()

    def test_a_second_producer_fences_the_first_and_aborts_what_it_left(
        self, broker: Broker
    ) -> None:
        topic, transactional_id = broker.topic(), broker.name()
        first = initialised(broker, transactional_id)
        first.begin_transaction()
        first.produce(topic, b"first")
        first.flush()
        second = initialised(broker, transactional_id)
        transact(second, topic, b"second")
        with pytest.raises(KafkaException) as raised:
            first.commit_transaction()
        error = raised.value.args[0]
        assert (error.code(), error.fatal()) == (KafkaError._FENCED, True)
        with pytest.raises(KafkaException) as raised:
            first.begin_transaction()
        assert raised.value.args[0].fatal()
        assert values(broker, topic) == [b"second"]

    def test_a_fenced_producer_adds_nothing_to_the_log(self, broker: Broker) -> None:
        topic, transactional_id = broker.topic(), broker.name()
        first = initialised(broker, transactional_id)
        initialised(broker, transactional_id)
        first.begin_transaction()
        first.produce(topic, b"zombie")
        with pytest.raises(KafkaException) as raised:
            first.commit_transaction()
        assert raised.value.args[0].fatal()
        assert values(broker, topic, "read_uncommitted") == []

    def test_a_transaction_is_begun_once_and_produced_in_only_while_it_is_open(
        self, broker: Broker
    ) -> None:
        topic, producer = broker.topic(), initialised(broker)
        assert refusal(lambda: producer.produce(topic, b"early")) == KafkaError._STATE
        assert refusal(producer.commit_transaction) == KafkaError._STATE
        producer.begin_transaction()
        assert refusal(producer.begin_transaction) == KafkaError._STATE
        producer.commit_transaction()
        assert refusal(producer.abort_transaction) == KafkaError._STATE

    def test_a_record_larger_than_the_client_allows_is_refused_at_once(
        self, broker: Broker
    ) -> None:
        topic, producer = broker.topic(), initialised(broker)
        producer.begin_transaction()
        large = bytes(4_194_305)
        assert refusal(lambda: producer.produce(topic, large)) == KafkaError.MSG_SIZE_TOO_LARGE
        producer.produce(topic, b"small")
        producer.commit_transaction()
        assert values(broker, topic) == [b"small"]

    def test_a_record_larger_than_the_topic_allows_fails_the_transaction(
        self, broker: Broker
    ) -> None:
        topic, producer = broker.topic(max_message_bytes=1_000), initialised(broker)
        producer.begin_transaction()
        producer.produce(topic, bytes(2_000))
        with pytest.raises(KafkaException) as raised:
            producer.commit_transaction()
        assert raised.value.args[0].txn_requires_abort()
        producer.abort_transaction()
        # The real client stumbles once more over the gap that the record left in its sequence.
        broker.until(lambda: transacted(producer, topic, b"small"))
        assert values(broker, topic) == [b"small"]

    def test_a_commit_whose_answer_was_lost_is_resumed_by_the_same_call(
        self, broker: Broker
    ) -> None:
        for _ in range(50):  # a real broker's answer may be there at once
            topic, producer = broker.topic(), initialised(broker)
            producer.begin_transaction()
            producer.produce(topic, b"value")
            producer.flush()
            lost = broker.lose_commit_answer(producer)
            if lost is not None:
                break
        assert lost is not None
        error = lost.args[0]
        assert (error.code(), error.retriable()) == (KafkaError._TIMED_OUT, True)
        # The call may still be under way, or its answer may have come a moment later.
        refused = (KafkaError._CONFLICT, KafkaError._STATE)
        assert refusal(producer.abort_transaction) in refused
        assert refusal(producer.begin_transaction) in refused
        producer.commit_transaction()
        assert values(broker, topic) == [b"value"]
        transact(producer, topic, b"next")

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
        broker.until(lambda: end(broker, topic, "read_committed") == 2)
        with pytest.raises(KafkaException) as raised:
            producer.commit_transaction()
        error = raised.value.args[0]
        assert (error.code(), error.fatal()) == (KafkaError._FENCED, True)
        assert values(broker, topic) == []
