"""A consumer that knows only Confluent's format reads every topic."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from contract.examples import example_files, load_example
from headrace.chassis.clients import Clients
from headrace.chassis.settings import KafkaSettings
from headrace.chassis.topics import apply_topics, plan_topics
from headrace.contracts.codec import Encoder
from headrace.contracts.registration import apply_schemas, plan_schemas
from headrace.contracts.registry import Registry, RegistrySettings
from headrace.contracts.schemas import load_schema
from headrace.contracts.topics import TopicSpec, load_topics

pytestmark = pytest.mark.integration

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIMEOUT_S = 120
ENDINGS = (
    "alerting.changelog",
    "alerts",
    "alerts.dlq",
    "evaluations.dlq",
    "heartbeats",
    "heartbeats.dlq",
    "incident-commands",
    "incident-commands.dlq",
    "incidents",
    "events",
    "events.dlq",
    "decisions",
    "decisions.dlq",
    "audits",
    "evaluations",
    "labelling.changelog",
    "labels.dlq",
    "learning.changelog",
    "observations",
    "observations.dlq",
    "outcomes",
    "outcomes.dlq",
    "profiles",
    "profiling.changelog",
    "scoring.changelog",
    "pauses",
    "drift.changelog",
    "entities",
    "model-audits",
    "model-chunks",
    "models",
    "labels",
    "replays",
    "servings",
    "signals",
    "signals.dlq",
    "sketches",
    "sketches.dlq",
)


def examples(spec: TopicSpec) -> list[dict[str, Any]]:
    schema = load_schema(spec.schema)
    return [load_example(path, schema) for path in example_files(spec.schema)]


def with_moments(value: Any, name: str = "") -> Any:
    """As a reader of logical types sees it: times are moments."""
    if isinstance(value, dict):
        return {key: with_moments(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [with_moments(each) for each in value]
    if _is_time(name) and value is not None:
        return EPOCH + timedelta(milliseconds=value)
    return value


def _is_time(name: str) -> bool:
    return name.endswith("_ms") and name != "delay_ms"  # which is a span


def read_as_others_do(stack: Any, topic: str, partitions: int, count: int) -> list[dict[str, Any]]:
    consumer = Consumer(
        {
            "bootstrap.servers": stack.bootstrap_servers,
            "group.id": "not-of-headrace",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
    context = SerializationContext(topic, MessageField.VALUE)
    try:
        with SchemaRegistryClient({"url": stack.registry_url}) as registry:
            deserialize = AvroDeserializer(registry)
            messages = consumer.consume(count, TIMEOUT_S)
            assert not any(message.error() for message in messages)
            return [deserialize(message.value(), context) for message in messages]
    finally:
        consumer.close()


@pytest.fixture
def topics(stack, use_case):
    """Topics and schemas as ``headrace topics apply`` makes them."""
    specs = load_topics(use_case, "card-fraud/Transaction")
    clients = Clients(KafkaSettings(bootstrap_servers=stack.bootstrap_servers))
    admin, registry = clients.admin(), Registry(RegistrySettings(url=stack.registry_url))
    apply_schemas(registry, specs.values(), plan_schemas(registry, specs.values()))
    apply_topics(admin, specs.values(), plan_topics(admin, specs.values(), 1), 1)
    yield specs
    for deleted in admin.delete_topics(list(specs)).values():
        deleted.result()
    with SchemaRegistryClient({"url": stack.registry_url}) as client:
        for spec in specs.values():
            client.delete_subject(spec.subject)


def test_confluents_own_deserializer_reads_what_we_write_to_every_topic(stack, use_case, topics):
    assert set(topics) == {f"{use_case}.{ending}" for ending in ENDINGS}
    clients = Clients(KafkaSettings(bootstrap_servers=stack.bootstrap_servers))
    registry = Registry(RegistrySettings(url=stack.registry_url))
    producer = clients.producer()
    for spec in topics.values():
        schema = load_schema(spec.schema)
        encode = Encoder(schema, registry.schema_id(spec.subject, schema))
        for number, record in enumerate(examples(spec)):
            producer.produce(spec.name, encode(record), str(number))
    assert producer.flush(TIMEOUT_S) == 0
    for spec in topics.values():
        expected = [with_moments(record) for record in examples(spec)]
        read = read_as_others_do(stack, spec.name, spec.partitions, len(expected))
        assert Counter(map(repr, read)) == Counter(map(repr, expected)), spec.name
