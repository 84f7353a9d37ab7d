"""Reading: where a consumer begins, where it stands, where a record is placed."""

import pytest
from confluent_kafka import OFFSET_BEGINNING, OFFSET_INVALID, KafkaError, TopicPartition

from support.broker_suite.broker import Broker, code, initialised, records, transact

_MURMUR2_OF_4 = [1, 3, 0, 1, 0, 3, 0, 2]  # as Java's clients place card-0 to card-7


class ConsumerSuite:
    """Runs against the broker of the fixture ``broker``."""

    def test_one_key_has_one_partition(self, broker: Broker) -> None:
        topic, producer = broker.topic(partitions=4), initialised(broker)
        producer.begin_transaction()
        for number in range(20):
            producer.produce(topic, b"", f"card-{number}".encode())
        producer.commit_transaction()
        placed = {message.key(): message.partition() for message in records(broker, topic, 4)}
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
                told.append(code(message))
            return bool(told)

        broker.until(is_told)
        assert told == [KafkaError._AUTO_OFFSET_RESET]
        consumer.close()

    def test_a_reader_knows_the_high_watermark_once_it_has_fetched(self, broker: Broker) -> None:
        topic, producer = broker.topic(), initialised(broker)
        transact(producer, topic, b"committed")
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
            told.extend(code(message) for message in consumer.consume(1, 0.1))
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
        topic, producer = broker.topic(), initialised(broker)
        transact(producer, topic, b"value")
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
