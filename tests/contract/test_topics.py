"""The declared topics, the schemas and the charters belong together."""

import re
import tomllib
from pathlib import Path

import pytest

from headrace.contracts.location import shipped
from headrace.contracts.schemas import load_schema, schema_names
from headrace.contracts.topics import DAY_MS, load_topics, topic_config

DECLARED = tomllib.loads((shipped("schemas") / "topics.toml").read_text("utf-8"))
CHARTERS = [
    *sorted((shipped("deploy") / "charters").glob("*.toml")),
    shipped("deploy") / "demo/payments.toml",
    Path(__file__).parents[1] / "support/charters/demand.toml",  # of the tests' own
]
EVENTS = {
    charter["name"]: charter["events"]["schema"]
    for charter in (tomllib.loads(path.read_text("utf-8")) for path in CHARTERS)
}
TOPICS = {
    name: spec
    for use_case, event in EVENTS.items()
    for name, spec in load_topics(use_case, event).items()
}
KEYS = {
    "description",
    "key",
    "schema",
    "producers",
    "consumers",
    "partitions",
    "cleanup",
    "max_record_bytes",
    "dead_letters",
}


@pytest.mark.parametrize("pattern", DECLARED)
def test_a_declaration_says_everything_and_nothing_else(pattern):
    declared = DECLARED[pattern]
    assert set(declared) - {"dead_letters_read_by"} == KEYS | (
        {"retention_days"} if declared["cleanup"] == "delete" else set()
    )
    assert declared["cleanup"] in ("delete", "compact")
    assert re.fullmatch(r"\{use_case\}(\.[a-z]+(-[a-z]+)*)+", pattern)
    assert declared["producers"]
    assert declared["consumers"]


def test_every_schema_is_in_use_and_every_topic_has_a_schema():
    assert {spec.schema for spec in TOPICS.values()} == set(schema_names())


@pytest.mark.parametrize("name", sorted(TOPICS))
def test_a_schema_says_what_each_field_means(name):
    schema = load_schema(TOPICS[name].schema)
    assert schema["doc"]
    assert all(field["doc"] for field in schema["fields"])


@pytest.mark.parametrize("name", [name for name in TOPICS if name.endswith(".dlq")])
def test_dead_letters_match_the_topic_that_they_come_from(name):
    letters, source = TOPICS[name], TOPICS[name.removesuffix(".dlq")]
    assert letters.schema == "platform/DeadLettered"
    assert letters.partitions == source.partitions
    assert letters.producers == source.consumers
    assert letters.key == source.key
    assert letters.max_record_bytes == 2 * source.max_record_bytes
    if source.retention_ms is None:
        assert letters.retention_ms is None
    else:
        assert letters.retention_ms == max(90 * DAY_MS, source.retention_ms)


@pytest.mark.parametrize("use_case", EVENTS)
def test_state_stands_in_the_partition_of_the_events_that_caused_it(use_case):
    events = TOPICS[f"{use_case}.events"]
    changelog = TOPICS[f"{use_case}.scoring.changelog"]
    assert changelog.partitions == events.partitions
    assert changelog.cleanup == "compact"
    assert changelog.retention_ms is None


def test_a_broker_takes_the_largest_record_and_compacted_topics_keep_all_keys():
    for spec in TOPICS.values():
        config = topic_config(spec)
        assert int(config["max.message.bytes"]) > spec.max_record_bytes
        assert ("retention.ms" in config) == (config["cleanup.policy"] == "delete")


def test_two_brokers_must_have_a_record_wherever_there_are_three():
    spec = next(iter(TOPICS.values()))
    assert topic_config(spec, 3)["min.insync.replicas"] == "2"
    assert "min.insync.replicas" not in topic_config(spec, 1)


@pytest.mark.parametrize("use_case", EVENTS)
def test_dead_letters_say_who_reads_them_beside_operators(use_case):
    assert TOPICS[f"{use_case}.events.dlq"].consumers == ("operators", "sketching")
    assert TOPICS[f"{use_case}.decisions.dlq"].consumers == ("operators",)


@pytest.mark.parametrize("use_case", EVENTS)
def test_what_sketching_reads_has_the_same_partitions_and_what_it_tells_has_one(use_case):
    read = [TOPICS[f"{use_case}.{name}"] for name in ("events", "decisions", "events.dlq")]
    assert len({each.partitions for each in read}) == 1
    assert all("sketching" in each.consumers for each in read)
    assert TOPICS[f"{use_case}.sketches"].partitions == 1
