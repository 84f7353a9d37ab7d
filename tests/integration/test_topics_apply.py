"""``headrace topics apply`` on a real broker and a real registry."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
)
from confluent_kafka.schema_registry import SchemaRegistryClient
from fastavro.schema import parse_schema, to_parsing_canonical_form

from contract.changes import BASE, COMPATIBLE, INCOMPATIBLE, changed
from headrace.contracts.compatibility import incompatibilities
from headrace.contracts.location import shipped
from headrace.contracts.registry import Registry, RegistrySettings
from headrace.contracts.schemas import load_schema
from headrace.contracts.topics import TopicSpec, load_topics
from headrace.errors import HeadraceError

pytestmark = pytest.mark.integration

HEADRACE = Path(sys.executable).parent / "headrace"
TIMEOUT_S = 60


@pytest.fixture
def charter(use_case: str, tmp_path: Path) -> Path:
    """The shipped charter under the test's own name."""
    text = (shipped("deploy") / "charters" / "card-fraud.toml").read_text("utf-8")
    path = tmp_path / "charter.toml"
    path.write_text(
        re.sub(r'^name = ".*"$', f'name = "{use_case}"', text, count=1, flags=re.MULTILINE)
    )
    return path


@pytest.fixture
def topics(use_case: str) -> dict[str, TopicSpec]:
    return load_topics(use_case, "card-fraud/Transaction")


@pytest.fixture
def admin(stack: Any, topics: dict[str, TopicSpec]) -> Iterator[AdminClient]:
    client = AdminClient({"bootstrap.servers": stack.bootstrap_servers})
    yield client
    there = set(client.list_topics(timeout=TIMEOUT_S).topics) & set(topics)
    for deleted in client.delete_topics(sorted(there)).values() if there else ():
        deleted.result()


@pytest.fixture
def registry(stack: Any, topics: dict[str, TopicSpec]) -> Iterator[Registry]:
    yield Registry(RegistrySettings(url=stack.registry_url))
    forget(stack.registry_url, [spec.subject for spec in topics.values()])


def forget(url: str, subjects: list[str]) -> None:
    """Delete subjects of a test."""
    with SchemaRegistryClient({"url": url}) as client:
        for subject in set(client.get_subjects()) & set(subjects):
            client.delete_subject(subject)


def meaning(schema: dict[str, Any] | None) -> str:
    """The canonical form: a registry may leave out what says nothing, as a repeated namespace."""
    return to_parsing_canonical_form(parse_schema(schema or {}))


def apply(stack: Any, charter: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [HEADRACE, "topics", "apply", "--charter", charter, *options],
        env={
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": stack.bootstrap_servers,
            "SCHEMA_REGISTRY_URL": stack.registry_url,
            "NO_COLOR": "1",
            "COLUMNS": "200",
        },
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def changes(run: subprocess.CompletedProcess[str]) -> dict[str, str]:
    return {each["name"]: each["change"] for each in json.loads(run.stdout)["changes"]}


def config(admin: AdminClient, topic: str) -> dict[str, str]:
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    (answer,) = admin.describe_configs([resource]).values()
    return {name: entry.value for name, entry in answer.result().items()}


def set_config(admin: AdminClient, topic: str, name: str, value: str) -> None:
    entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
    (answer,) = admin.incremental_alter_configs([resource]).values()
    answer.result()


def test_a_dry_run_shows_what_would_be_made_and_makes_nothing(
    stack, charter, topics, admin, registry
):
    run = apply(stack, charter, "--dry-run", "--json")
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["applied"] is False
    expected = dict.fromkeys(topics, "create")
    expected |= {spec.subject: "register" for spec in topics.values()}
    assert changes(run) == expected
    assert not set(admin.list_topics(timeout=TIMEOUT_S).topics) & set(topics)
    assert all(registry.latest(spec.subject) is None for spec in topics.values())


def test_applying_makes_all_of_it_and_applying_again_changes_nothing(
    stack, charter, topics, admin, registry
):
    run = apply(stack, charter, "--json")
    assert run.returncode == 0, run.stderr
    made = admin.list_topics(timeout=TIMEOUT_S).topics
    for name, spec in topics.items():
        assert len(made[name].partitions) == spec.partitions
        settings = config(admin, name)
        assert settings["cleanup.policy"] == spec.cleanup
        assert int(settings["max.message.bytes"]) > spec.max_record_bytes
        if spec.retention_ms is not None:
            assert settings["retention.ms"] == str(spec.retention_ms)
        assert meaning(registry.latest(spec.subject)) == meaning(load_schema(spec.schema))
        assert registry.compatibility(spec.subject) == "FULL_TRANSITIVE"
    again = apply(stack, charter, "--json")
    assert again.returncode == 0, again.stderr
    assert set(changes(again).values()) == {"unchanged"}


def test_the_difference_is_shown_as_a_table(stack, charter, topics, admin, registry):
    run = apply(stack, charter)
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("Applied")
    for name, spec in topics.items():
        assert re.search(rf"{re.escape(name)} +│ create", run.stdout)
        assert re.search(rf"{re.escape(spec.subject)} +│ register", run.stdout)


def test_a_changed_setting_is_put_right(stack, charter, topics, admin, registry, use_case):
    apply(stack, charter)
    events = f"{use_case}.events"
    set_config(admin, events, "retention.ms", "86400000")
    run = apply(stack, charter, "--json")
    assert run.returncode == 0, run.stderr
    assert {name for name, change in changes(run).items() if change != "unchanged"} == {events}
    assert "retention.ms 86400000 -> 2592000000" in run.stdout
    assert config(admin, events)["retention.ms"] == str(topics[events].retention_ms)


def test_another_number_of_partitions_is_refused_by_name_and_nothing_else_is_made(
    stack, charter, topics, admin, registry, use_case
):
    events = f"{use_case}.events"
    (made,) = admin.create_topics([NewTopic(events, 3, 1)]).values()
    made.result()
    run = apply(stack, charter)
    assert run.returncode == 1
    assert run.stdout.startswith("Nothing was changed")
    assert f"{events}: it has 3 partitions and 4 are declared" in " ".join(run.stderr.split())
    there = admin.list_topics(timeout=TIMEOUT_S).topics
    assert set(there) & set(topics) == {events}
    assert len(there[events].partitions) == 3
    assert all(registry.latest(spec.subject) is None for spec in topics.values())


@pytest.mark.parametrize(
    ("topic", "name", "value"),
    [
        ("scoring.changelog", "cleanup.policy", "delete"),
        ("events", "retention.ms", "-1"),
    ],
)
def test_what_would_delete_records_is_refused(
    stack, charter, admin, registry, use_case, topic, name, value
):
    apply(stack, charter)
    full = f"{use_case}.{topic}"
    set_config(admin, full, name, value)
    run = apply(stack, charter, "--json")
    assert run.returncode == 1
    assert changes(run)[full] == "refused"
    assert "would delete records" in run.stdout
    assert config(admin, full)[name] == value


def test_a_schema_that_does_not_follow_the_registered_one_is_refused_with_the_reason(
    stack, charter, topics, admin, registry, use_case
):
    other = load_schema("card-fraud/Transaction")
    amount = next(field for field in other["fields"] if field["name"] == "amount_minor")
    amount["type"] = "double"
    subject = f"{use_case}.events-value"
    registry.register(subject, other)
    run = apply(stack, charter, "--json")
    assert run.returncode == 1
    assert changes(run)[subject] == "refused"
    assert "amount_minor: double is not long" in " ".join(run.stderr.split())
    assert not set(admin.list_topics(timeout=TIMEOUT_S).topics) & set(topics)
    assert list(registry.versions(subject)) == [1]


def test_a_weaker_compatibility_is_put_right(stack, charter, admin, registry, use_case):
    apply(stack, charter)
    subject = f"{use_case}.decisions-value"
    registry.set_compatibility(subject, "NONE")
    run = apply(stack, charter, "--json")
    assert run.returncode == 0, run.stderr
    assert changes(run)[subject] == "configure"
    assert registry.compatibility(subject) == "FULL_TRANSITIVE"


def test_more_replicas_than_brokers_are_an_error_that_says_so(stack, charter, admin, registry):
    run = apply(stack, charter, "--replication", "99")
    assert run.returncode == 1
    assert "99 replicas need 99 brokers" in " ".join(run.stderr.split())


def test_a_broker_or_a_registry_that_is_away_is_a_clear_error(stack, charter):
    class Away:
        bootstrap_servers = stack.bootstrap_servers
        registry_url = "http://127.0.0.1:9/apis/ccompat/v7"

    run = apply(Away(), charter)
    assert run.returncode == 1
    assert "registry at http://127.0.0.1:9" in " ".join(run.stderr.split())
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("change", [*COMPATIBLE, *INCOMPATIBLE], ids=lambda each: each.__name__)
def test_the_real_registry_judges_a_change_as_our_own_check_does(stack, use_case, change):
    registry = Registry(RegistrySettings(url=stack.registry_url))
    subject = f"{use_case}-value"
    following = changed(change)
    try:
        registry.register(subject, BASE)
        registry.set_compatibility(subject, "FULL_TRANSITIVE")
        reasons = registry.is_compatible(subject, following)
        assert bool(reasons) == (change in INCOMPATIBLE)
        assert bool(reasons) == bool(incompatibilities(following, BASE))
        if reasons:
            with pytest.raises(HeadraceError, match="refuses"):
                registry.register(subject, following)
            assert list(registry.versions(subject)) == [1]
        else:
            assert meaning(registry.writer(registry.register(subject, following))) == meaning(
                following
            )
    finally:
        forget(stack.registry_url, [subject])


def test_every_earlier_version_counts_and_not_only_the_latest(stack, use_case):
    """Removing a field with a default, and adding it again with another type: transitive."""
    registry = Registry(RegistrySettings(url=stack.registry_url))
    subject = f"{use_case}-value"
    without = {**BASE, "fields": [each for each in BASE["fields"] if each["name"] != "note"]}
    note = {"name": "note", "type": ["null", "long"], "default": None}
    again = {**BASE, "fields": [*without["fields"], note]}
    try:
        registry.register(subject, BASE)
        registry.set_compatibility(subject, "FULL_TRANSITIVE")
        registry.register(subject, without)
        assert incompatibilities(again, without) == []
        assert any(
            reason.startswith("version 1:") for reason in registry.is_compatible(subject, again)
        )
        with pytest.raises(HeadraceError, match="refuses"):
            registry.register(subject, again)
    finally:
        forget(stack.registry_url, [subject])
