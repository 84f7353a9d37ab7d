"""``headrace tail`` shows the committed records of a topic."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from confluent_kafka.schema_registry import SchemaRegistryClient

from contract.examples import example_files, load_example
from headrace.chassis.clients import Clients
from headrace.chassis.offsets import LATEST, offsets
from headrace.chassis.settings import KafkaSettings
from headrace.contracts.codec import Encoder
from headrace.contracts.registry import Registry, RegistrySettings
from headrace.contracts.schemas import load_schema

pytestmark = pytest.mark.integration

HEADRACE = Path(sys.executable).parent / "headrace"
TIMEOUT_S = 120
SCHEMA = load_schema("platform/DecisionMade")
DECISION = load_example(example_files("platform/DecisionMade")[-1], SCHEMA)


class Tailed:
    """A topic of decisions, and the command on it."""

    def __init__(self, stack: Any, topic: str) -> None:
        self.topic = topic
        self.clients = Clients(KafkaSettings(bootstrap_servers=stack.bootstrap_servers))
        registry = Registry(RegistrySettings(url=stack.registry_url))
        self.encode = Encoder(SCHEMA, registry.register(f"{topic}-value", SCHEMA))
        self._producer = self.clients.producer()
        self._environment = {
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": stack.bootstrap_servers,
            "SCHEMA_REGISTRY_URL": stack.registry_url,
            "NO_COLOR": "1",
        }

    def publish(self, *records: dict[str, Any] | bytes | None) -> None:
        """Write decisions, or bytes as they are, to partition 0."""
        for record in records:
            self._produce(self._producer, record)
        assert self._producer.flush(TIMEOUT_S) == 0

    def publish_and_abort(self, record: dict[str, Any]) -> None:
        producer = self.clients.transactional_producer(self.topic, 10_000)
        producer.init_transactions()
        producer.begin_transaction()
        self._produce(producer, record)
        producer.flush(TIMEOUT_S)
        producer.abort_transaction()

    def _produce(self, producer: Producer, record: dict[str, Any] | bytes | None) -> None:
        value = self.encode(record) if isinstance(record, dict) else record
        producer.produce(self.topic, value, "card-1", partition=0)

    def start(self, *options: str, topic: str | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [HEADRACE, "tail", topic or self.topic, *options],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *options: str, topic: str | None = None) -> tuple[int, str, str]:
        process = self.start(*options, topic=topic)
        out, err = process.communicate(timeout=TIMEOUT_S)
        return process.returncode, out, err

    def lines(self, *options: str) -> list[dict[str, Any]]:
        code, out, err = self.run("--json", *options)
        assert code == 0, err
        return [json.loads(line) for line in out.splitlines()]


@pytest.fixture
def tailed(stack, use_case) -> Iterator[Tailed]:
    topic = f"{use_case}.decisions"
    admin = AdminClient({"bootstrap.servers": stack.bootstrap_servers})
    (made,) = admin.create_topics([NewTopic(topic, 2, 1)]).values()
    made.result()
    offsets(admin, topic, range(2), LATEST, 60, is_there=True)  # until it has leaders
    yield Tailed(stack, topic)
    (deleted,) = admin.delete_topics([topic]).values()
    deleted.result()
    with SchemaRegistryClient({"url": stack.registry_url}) as client:
        client.delete_subject(f"{topic}-value")


def test_each_committed_record_is_one_json_line_with_its_place_key_and_fields(tailed):
    tailed.publish(DECISION, {**DECISION, "action": "decline"})
    tailed.publish_and_abort({**DECISION, "action": "never"})
    tailed.publish({**DECISION, "action": "review"})
    lines = tailed.lines("--no-follow")
    assert [line["record"]["action"] for line in lines] == ["approve", "decline", "review"]
    assert lines[0] | {"record": None} == {
        "partition": 0,
        "offset": 0,
        "key": "card-1",
        "record": None,
    }
    assert lines[0]["record"]["model_digest"] == DECISION["model_digest"].hex()
    assert set(lines[0]["record"]) == set(DECISION)


def test_without_json_a_record_is_one_readable_line(tailed):
    tailed.publish(DECISION)
    code, out, err = tailed.run("--no-follow")
    assert code == 0
    (line,) = out.splitlines()
    assert line.startswith("0:0 card-1 decision_id=card-fraud.events:3:184213 ")
    assert " action=approve " in line
    assert f" model_digest={DECISION['model_digest'].hex()} " in line
    assert err.strip() == "1 records"


def test_conditions_pick_records_and_a_limit_stops(tailed):
    actions = ["approve", "decline", "approve", "approve"]
    tailed.publish(
        *({**DECISION, "action": action, "late": n > 1} for n, action in enumerate(actions))
    )
    assert len(tailed.lines("--no-follow", "--where", "action=approve")) == 3
    late = tailed.lines("--no-follow", "--where", "action=approve", "--where", "late=true")
    assert [line["offset"] for line in late] == [2, 3]
    # A limit ends it even while it would follow.
    limited = tailed.lines("--from", "beginning", "--where", "action=approve", "--limit", "2")
    assert [line["offset"] for line in limited] == [0, 2]


def test_what_cannot_be_decoded_is_shown_as_such_and_is_not_the_end(tailed):
    value = tailed.encode(DECISION)
    tailed.publish(b"not avro", None, value[:-9], b"\x00\x7f\xff\xff\xff\x01", DECISION)
    lines = tailed.lines("--no-follow")
    reasons = [line["undecodable"]["reason"] for line in lines[:-1]]
    assert reasons == ["bad_framing", "null_value", "undecodable", "unknown_schema"]
    assert lines[0]["value"] == b"not avro".hex()
    assert lines[1]["value"] is None
    assert lines[-1]["record"]["action"] == "approve"
    code, out, _ = tailed.run("--no-follow")
    assert code == 0
    assert "0:0 card-1 undecodable (bad_framing: " in out


def test_an_unknown_topic_is_an_error_that_lists_those_there_are(tailed):
    code, out, err = tailed.run(topic=tailed.topic[:-1])
    assert (code, out) == (1, "")
    said = " ".join(err.split())
    assert f"There is no topic '{tailed.topic[:-1]}'" in said
    assert f"Did you mean {tailed.topic}?" in said
    assert "Traceback" not in err


def test_an_unknown_field_is_an_error_before_anything_is_read(tailed):
    code, out, err = tailed.run("--where", "acton=approve")
    assert (code, out) == (1, "")
    assert "Did you mean action?" in err


def test_it_follows_what_comes_and_ends_with_130_on_ctrl_c(tailed):
    tailed.publish({**DECISION, "action": "before"})
    process = tailed.start("--json")
    try:
        # It begins at the end: what is published until it has begun is not shown.
        deadline_s = time.monotonic() + TIMEOUT_S
        os.set_blocking(process.stdout.fileno(), False)
        line = ""
        while not line:
            assert time.monotonic() < deadline_s
            tailed.publish({**DECISION, "action": "after"})
            line = process.stdout.readline()
        assert json.loads(line)["record"]["action"] == "after"
        process.send_signal(signal.SIGINT)
        os.set_blocking(process.stdout.fileno(), True)
        _, err = process.communicate(timeout=TIMEOUT_S)
        assert process.returncode == 130, err
        assert "Traceback" not in err
    finally:
        process.kill()
        process.wait()


def test_a_reader_that_has_seen_enough_is_no_error(tailed):
    tailed.publish(*[DECISION] * 500)
    process = tailed.start("--from", "beginning", "--no-follow", "--json")
    assert process.stdout is not None
    assert process.stdout.readline()
    process.stdout.close()
    assert process.wait(TIMEOUT_S) == 0
    assert process.stderr is not None
    with process.stderr as errors:
        assert "Traceback" not in errors.read()
