"""What is declared is compared with what is there; nothing that holds records is ever lost."""

import dataclasses

import pytest

from headrace.chassis.topics import ExistingTopic, compared, refused
from headrace.contracts.topics import DAY_MS, TopicSpec, topic_config

EVENTS = TopicSpec(
    name="t.events",
    description="Events.",
    key="card_id",
    schema="card-fraud/Transaction",
    producers=("upstream",),
    consumers=("scoring",),
    partitions=4,
    cleanup="delete",
    retention_ms=30 * DAY_MS,
    max_record_bytes=1_048_576,
)
CHANGELOG = dataclasses.replace(EVENTS, name="t.changelog", cleanup="compact", retention_ms=None)


def existing(spec: TopicSpec, partitions: int = 4, replication: int = 1, **config: str):
    names = {name.replace("_", "."): value for name, value in config.items()}
    broker = {"retention.ms": "604800000", "segment.bytes": "1073741824"}
    return ExistingTopic(
        partitions, replication, {**broker, **topic_config(spec, replication), **names}
    )


@pytest.mark.parametrize("spec", [EVENTS, CHANGELOG], ids=lambda spec: spec.cleanup)
def test_a_topic_as_declared_is_unchanged(spec):
    assert compared(spec, existing(spec), 1).change == "unchanged"


def test_a_topic_that_is_not_there_is_created_with_all_its_settings():
    change = compared(EVENTS, None, 3)
    assert change.change == "create"
    for said in ("4 partitions", "3 replicas", "retention.ms=2592000000", "min.insync.replicas=2"):
        assert said in change.detail


@pytest.mark.parametrize("partitions", [1, 3, 5, 8])
def test_another_number_of_partitions_is_refused_and_named(partitions):
    change = compared(EVENTS, existing(EVENTS, partitions=partitions), 1)
    assert (change.change, change.name) == ("refused", "t.events")
    assert f"it has {partitions} partitions and 4 are declared" in change.detail


@pytest.mark.parametrize(
    ("spec", "config"),
    [
        (EVENTS, {"cleanup_policy": "compact"}),
        (CHANGELOG, {"cleanup_policy": "delete"}),
        (CHANGELOG, {"cleanup_policy": "compact,delete"}),
        (EVENTS, {"retention_ms": str(31 * DAY_MS)}),
        (EVENTS, {"retention_ms": "-1"}),
    ],
)
def test_what_would_delete_records_is_refused(spec, config):
    assert "would delete records" in refused(spec, existing(spec, **config))


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"retention_ms": str(DAY_MS)}, "retention.ms 86400000 -> 2592000000"),
        ({"max_message_bytes": "1000"}, "max.message.bytes 1000 -> 1114112"),
        ({"max_message_bytes": "9999999"}, "max.message.bytes 9999999 -> 1114112"),
    ],
)
def test_another_setting_is_configured_and_the_difference_shown(config, said):
    change = compared(EVENTS, existing(EVENTS, **config), 1)
    assert (change.change, change.detail) == ("configure", said)


def test_settings_follow_the_replicas_that_a_topic_has_and_not_those_of_new_ones():
    assert compared(EVENTS, existing(EVENTS, replication=1), 3).change == "unchanged"
    three = existing(EVENTS, replication=3, min_insync_replicas="1")
    assert compared(EVENTS, three, 1).detail == "min.insync.replicas 1 -> 2"


def test_settings_that_are_not_declared_are_left_alone():
    other = existing(EVENTS, segment_bytes="1000000")
    assert compared(EVENTS, other, 1).change == "unchanged"
