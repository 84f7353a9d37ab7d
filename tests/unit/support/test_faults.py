"""What a test may do to the fake that nobody can ask of a real broker."""

import pytest
from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, TopicPartition

from support.fake_kafka import (
    CrashNow,
    FakeClients,
    FakeKafka,
    crash_after,
    crash_before,
    lose_answer,
    meanwhile,
    refuse,
)
from support.fake_kafka.errors import failure, fenced, requires_abort, timed_out
from support.fake_kafka.transactional_producer import FakeTransactionalProducer


@pytest.fixture
def kafka() -> FakeKafka:
    kafka = FakeKafka()
    kafka.create_topic("topic")
    return kafka


def in_transaction(clients: FakeClients) -> FakeTransactionalProducer:
    producer = clients.transactional_producer("id")
    producer.init_transactions()
    producer.begin_transaction()
    producer.produce("topic", b"value", b"key")
    return producer


def values(kafka: FakeKafka) -> list[bytes | None]:
    return [message.value() for message in kafka.records("topic")]


def test_a_crash_before_the_commit_leaves_the_transaction_open_until_the_restart(
    kafka: FakeKafka,
) -> None:
    producer = in_transaction(FakeClients(kafka))
    kafka.faults.plan("commit_transaction", crash_before())
    with pytest.raises(CrashNow):
        producer.commit_transaction()
    assert kafka.log("topic", 0).end("read_committed") == 0
    FakeClients(kafka).transactional_producer("id").init_transactions()
    assert kafka.log("topic", 0).end("read_committed") == 2
    assert values(kafka) == []


def test_a_crash_after_the_commit_leaves_it_committed(kafka: FakeKafka) -> None:
    producer = in_transaction(FakeClients(kafka))
    kafka.faults.plan("commit_transaction", crash_after())
    with pytest.raises(CrashNow):
        producer.commit_transaction()
    assert values(kafka) == [b"value"]


def test_nothing_in_a_dead_process_has_any_effect(kafka: FakeKafka) -> None:
    clients = FakeClients(kafka)
    producer, consumer = in_transaction(clients), clients.consumer("group")
    clients.kill()
    assert clients.dead
    for clean_up in (producer.abort_transaction, consumer.close, clients.admin().list_topics):
        with pytest.raises(CrashNow):
            clean_up()
    assert kafka.log("topic", 0).end("read_committed") == 0


def test_the_group_goes_on_without_the_members_of_a_dead_process(kafka: FakeKafka) -> None:
    killed, alive = FakeClients(kafka), FakeClients(kafka)
    consumers = [clients.consumer("group") for clients in (killed, alive)]
    for consumer in consumers:
        consumer.subscribe(["topic"])
    for consumer in consumers * 2:
        consumer.poll()
    killed.kill()
    consumers[1].poll()
    assert consumers[1].assignment() == [TopicPartition("topic", 0)]


def test_a_refused_call_has_not_happened_and_may_be_tried_again(kafka: FakeKafka) -> None:
    producer = in_transaction(FakeClients(kafka))
    kafka.faults.plan("commit_transaction", refuse(timed_out()))
    with pytest.raises(KafkaException):
        producer.commit_transaction()
    assert values(kafka) == []
    producer.commit_transaction()
    assert values(kafka) == [b"value"]


def test_an_offset_whose_answer_was_lost_may_be_sent_again(kafka: FakeKafka) -> None:
    clients = FakeClients(kafka)
    producer, metadata = in_transaction(clients), clients.consumer("g").consumer_group_metadata()
    kafka.faults.plan("send_offsets_to_transaction", lose_answer(timed_out()))
    with pytest.raises(KafkaException):
        producer.send_offsets_to_transaction([TopicPartition("topic", 0, 1)], metadata)
    producer.send_offsets_to_transaction([TopicPartition("topic", 0, 1)], metadata)
    producer.commit_transaction()
    assert [at.offset for at in kafka.committed("g", "topic")] == [1]


def test_a_fault_strikes_once_after_the_calls_to_skip_in_its_process_only(
    kafka: FakeKafka,
) -> None:
    mine, other = FakeClients(kafka, "mine").producer(), FakeClients(kafka, "other").producer()
    too_late = failure(KafkaError._MSG_TIMED_OUT, "planned")
    kafka.faults.plan("produce", refuse(too_late), skip=1, process="mine")
    for producer in (other, other, mine):
        producer.produce("topic", b"well")
    with pytest.raises(KafkaException, match="planned"):
        mine.produce("topic", b"struck")
    assert not kafka.faults.pending()
    mine.produce("topic", b"well")
    assert values(kafka) == [b"well"] * 4


def test_something_may_happen_elsewhere_just_before_a_call(kafka: FakeKafka) -> None:
    producer = in_transaction(FakeClients(kafka))
    kafka.faults.plan("commit_transaction", meanwhile(kafka.expire_transactions))
    with pytest.raises(KafkaException) as raised:
        producer.commit_transaction()
    assert raised.value.args[0].code() == KafkaError._FENCED
    assert values(kafka) == []


def test_a_planned_fatal_error_ends_the_producer(kafka: FakeKafka) -> None:
    producer = in_transaction(FakeClients(kafka))
    kafka.faults.plan("commit_transaction", refuse(fenced("id")))
    for _ in range(2):
        with pytest.raises(KafkaException) as raised:
            producer.commit_transaction()
        assert raised.value.args[0].fatal()
    with pytest.raises(KafkaException) as raised:
        producer.produce("topic", b"value")
    assert raised.value.args[0].code() == KafkaError._FATAL


def test_after_a_planned_abortable_error_only_an_abort_helps(kafka: FakeKafka) -> None:
    producer = in_transaction(FakeClients(kafka))
    error = requires_abort(KafkaError.INVALID_TXN_STATE, "planned")
    kafka.faults.plan("commit_transaction", refuse(error))
    for _ in range(2):
        with pytest.raises(KafkaException, match="planned"):
            producer.commit_transaction()
    producer.abort_transaction()
    producer.begin_transaction()


def test_compaction_keeps_the_last_committed_record_of_a_key_at_its_offset(
    kafka: FakeKafka,
) -> None:
    clients = FakeClients(kafka)
    in_transaction(clients).abort_transaction()
    for key in (b"a", b"b", b"a"):
        clients.producer().produce("topic", b"value", key)
    kafka.compact("topic")
    assert [(m.key(), m.offset()) for m in kafka.records("topic")] == [(b"b", 3), (b"a", 4)]


def test_retention_takes_the_records_but_not_the_offsets(kafka: FakeKafka) -> None:
    clients = FakeClients(kafka)
    for value in (b"old", b"new"):
        clients.producer().produce("topic", value)
    kafka.log("topic", 0).delete_before(1)
    assert [(m.value(), m.offset()) for m in kafka.records("topic")] == [(b"new", 1)]
    reader = clients.reader()
    reader.assign([TopicPartition("topic", 0, OFFSET_BEGINNING)])
    assert [m.value() for m in reader.consume(1)] == [b"new"]


def test_partitions_are_read_in_turns(kafka: FakeKafka) -> None:
    clients = FakeClients(kafka)
    kafka.create_topic("two", partitions=2)
    kafka.fetch_records = 2
    for number in range(8):
        clients.producer().produce("two", b"", partition=number % 2)
    reader = clients.consumer("group")
    reader.assign([TopicPartition("two", p, OFFSET_BEGINNING) for p in range(2)])
    read = [message.partition() for _ in range(2) for message in reader.consume(4)]
    assert read == [0, 0, 1, 1, 0, 0, 1, 1]


def test_time_passes_where_nothing_came_of_a_poll(kafka: FakeKafka) -> None:
    reader, began = FakeClients(kafka).reader(), kafka.now_ms
    reader.assign([TopicPartition("topic", 0, OFFSET_BEGINNING)])
    reader.poll(1.5)  # tells the end
    assert kafka.now_ms == began
    reader.poll(1.5)
    assert kafka.now_ms == began + 1_500


def test_a_member_that_was_expelled_works_on_until_it_is_told(kafka: FakeKafka) -> None:
    clients = FakeClients(kafka)
    zombie, producer = clients.consumer("group"), in_transaction(clients)
    lost: list[TopicPartition] = []
    zombie.subscribe(["topic"], on_lost=lambda _, partitions: lost.extend(partitions))
    zombie.poll()
    zombie.expire(unaware_polls=1)
    zombie.poll()
    assert lost == []
    metadata, offsets = zombie.consumer_group_metadata(), [TopicPartition("topic", 0, 1)]
    with pytest.raises(KafkaException) as raised:
        producer.send_offsets_to_transaction(offsets, metadata)
    assert raised.value.args[0].code() == KafkaError.UNKNOWN_MEMBER_ID
    zombie.poll()
    assert lost == [TopicPartition("topic", 0)]


def test_a_transaction_ends_when_time_has_passed_its_timeout(kafka: FakeKafka) -> None:
    clients = FakeClients(kafka)
    producer = clients.transactional_producer("id", timeout_ms=1_000)
    producer.init_transactions()
    producer.begin_transaction()
    producer.produce("topic", b"value")
    reader = clients.consumer("group")
    reader.poll(0.9)
    assert kafka.log("topic", 0).end("read_committed") == 0
    reader.poll(0.1)
    assert kafka.log("topic", 0).end("read_committed") == 2
    with pytest.raises(KafkaException) as raised:
        producer.commit_transaction()
    assert raised.value.args[0].fatal()


def test_a_delivery_report_waits_for_a_poll(kafka: FakeKafka) -> None:
    producer = FakeClients(kafka).producer()
    reported: list[tuple[KafkaError | None, int | None]] = []
    producer.produce(
        "topic", b"value", on_delivery=lambda error, m: reported.append((error, m.offset()))
    )
    assert (len(producer), reported) == (1, [])
    assert producer.poll(0) == 1
    assert (len(producer), reported) == (0, [(None, 0)])
