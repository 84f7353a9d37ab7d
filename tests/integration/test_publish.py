"""What is published stands on the broker: every record once, each key's in order."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from hashlib import sha256
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest
from confluent_kafka import KafkaError, TopicPartition

from headrace.chassis.clients import Clients
from headrace.chassis.settings import KafkaSettings
from headrace.contracts.location import shipped
from headrace.contracts.registry import Registry, RegistrySettings
from headrace.simulator.due import DueTimes
from headrace.simulator.publisher import Publisher
from headrace.simulator.sources import events_topic, recorded, simulated
from headrace.usecase.charter import Charter

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]

FDH = "data/fdh/transactions_2018-04-01_2018-08-14.parquet"
SHARED = Path(__file__).resolve().parents[3] / "shared"
RECORDS = 2_000


@pytest.fixture
def charter(stack, use_case, tmp_path):
    """The shipped charter under the test's own name, its topics and schemas applied."""
    text = (shipped("deploy") / "charters" / "card-fraud.toml").read_text()
    path = tmp_path / "charter.toml"
    path.write_text(text.replace('name = "card-fraud"', f'name = "{use_case}"', 1))
    finished(headrace("topics", "apply", "--charter", path))
    return path


@pytest.fixture
def registry():
    registry = Registry(RegistrySettings())
    yield registry
    registry._client.__exit__(None, None, None)


def headrace(*arguments):
    program = Path(sys.executable).with_name("headrace")
    return subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finished(process, code=0):
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == code, stderr.decode()
    return stdout


def published(*arguments):
    return json.loads(finished(headrace("publish", *arguments, "--json")))


def partitions(reader, topic):
    return [
        TopicPartition(topic, number, 0)
        for number in reader.list_topics(timeout=10).topics[topic].partitions
    ]


def read(topic):
    """Return every record of a topic, partition by partition."""
    reader = Clients(KafkaSettings()).reader()
    try:
        open_partitions = partitions(reader, topic)
        reader.assign(open_partitions)
        left, messages = len(open_partitions), []
        while left:
            message = reader.poll(10)
            assert message is not None, "the broker fell silent before the end of a partition"
            if message.error() is None:
                messages.append(message)
            else:
                assert message.error().code() == KafkaError._PARTITION_EOF
                left -= 1
        return messages
    finally:
        reader.close()


def digest(keys_and_values):
    """Digest each key's values in their order, whatever the order of the keys."""
    by_key = defaultdict(sha256)
    for key, value in keys_and_values:
        by_key[key].update(repr(value).encode())
    return sha256(repr(sorted((k, v.hexdigest()) for k, v in by_key.items())).encode()).hexdigest()


def stands_as(topic, publications):
    messages = read(topic)
    expected = [(publication.key, publication.value) for publication in publications]
    assert len(messages) == len(expected)
    found = digest((message.key().decode(), message.value()) for message in messages)
    assert found == digest(expected)


def test_simulated_records_stand_on_the_topic_byte_for_byte(charter, registry):
    case = Charter.load(charter)
    summary = published("--simulate", str(RECORDS), "--seed", "5", "--charter", charter)
    source = list(simulated(case, registry, RECORDS, 5).publications)
    assert summary["published"] == RECORDS
    assert summary["failed"] == 0
    assert summary["by_kind"] == Counter(publication.kind for publication in source)
    stands_as(events_topic(case), source)


def test_recorded_transactions_stand_on_the_topic_byte_for_byte(charter, registry):
    path = SHARED / FDH
    if not path.exists():
        pytest.skip(f"the recorded transactions are not beside the checkout: shared/{FDH}")
    case = Charter.load(charter)
    summary = published("--from", path, "--limit", str(RECORDS), "--charter", charter)
    mapping = shipped("deploy") / "mappings" / "fdh.toml"
    assert summary["by_kind"] == {"ordinary": RECORDS}
    source = recorded(case, registry, path, mapping, RECORDS)
    stands_as(events_topic(case), list(source.publications))


def test_every_record_of_a_paced_run_has_its_due_time(charter, registry):
    case = Charter.load(charter)
    topic, due = events_topic(case), DueTimes()
    producer = Clients(KafkaSettings()).producer(**{"linger.ms": 0})
    publisher = Publisher(producer, topic, rate=1_000, due_times=due)
    source = simulated(case, registry, 500, 5)
    thread = Thread(target=publisher.run, args=(source.publications, Event()))
    thread.start()
    thread.join(60)
    assert publisher.outcome.published == 500
    offsets = defaultdict(list)
    for message in read(topic):
        offsets[message.partition()].append(message.offset())
    due_s = np.sort(np.concatenate([due.due_s(p, np.array(o)) for p, o in offsets.items()]))
    assert np.diff(due_s) == pytest.approx(np.full(499, 0.001))


def test_ctrl_c_ends_a_run_with_a_summary_of_what_stands_on_the_topic(charter):
    topic = events_topic(Charter.load(charter))
    process = headrace(
        "publish", "--simulate", "100000", "--rate", "200", "--charter", charter, "--json"
    )
    reader = Clients(KafkaSettings()).reader()
    parts = partitions(reader, topic)
    while not any(reader.get_watermark_offsets(part, timeout=10)[1] for part in parts):
        assert process.poll() is None, process.stderr.read().decode()
    reader.close()
    os.kill(process.pid, signal.SIGINT)
    assert json.loads(finished(process, 130))["published"] == len(read(topic))


def test_a_use_case_without_topics_is_told_to_apply_them(charter, use_case):
    charter.write_text(charter.read_text().replace(use_case, f"{use_case}-other"))
    process = headrace("publish", "--simulate", "1", "--charter", charter)
    _, stderr = process.communicate(timeout=60)
    assert (process.returncode, b"headrace topics apply" in stderr) == (1, True), stderr


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--from", "rows.parquet", "--simulate", "1"),
        ("--from", "rows.parquet", "--seed", "1"),
        ("--simulate", "1", "--limit", "1"),
        ("--simulate", "1", "--rate", "0"),
    ],
)
def test_arguments_that_do_not_go_together_are_wrong_usage(arguments):
    finished(headrace("publish", *arguments), 2)
