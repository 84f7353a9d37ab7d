"""What is published stands on the broker: every record once, each key's in order."""

import csv
import json
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
from headrace.chassis.reading import ends
from headrace.chassis.settings import KafkaSettings
from headrace.chassis.wiring import Wiring
from headrace.contracts.location import shipped
from headrace.contracts.registry import Registry, RegistrySettings
from headrace.contracts.schemas import load_schema
from headrace.contracts.topics import load_topics
from headrace.errors import HeadraceError
from headrace.simulator.desk import LabelDesk
from headrace.simulator.due import DueTimes
from headrace.simulator.kinds import DECIDED
from headrace.simulator.labelling import Labelling
from headrace.simulator.publisher import Publisher
from headrace.simulator.scenario import Scenario
from headrace.simulator.seasons import DAY_MS
from headrace.simulator.sources import events_topic, recorded, simulated
from headrace.usecase.charter import Charter
from support.traces import UNTRACED

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]

FDH = "data/fdh/transactions_2018-04-01_2018-08-14.parquet"
SHARED = Path(__file__).resolve().parents[3] / "shared"
RECORDS = 2_000
PARTITIONS = 4
WAIT_MS = 61 * DAY_MS
"""The charter's horizon and lateness."""


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
    stdout, stderr = process.communicate(timeout=300)
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
    publisher = Publisher(producer, topic, UNTRACED, rate=1_000, due_times=due)
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
    with headrace(
        "publish", "--simulate", "100000", "--rate", "200", "--charter", charter, "--json"
    ) as process:
        try:
            while not any(ends(Clients(KafkaSettings()), topic, range(PARTITIONS), 10).values()):
                assert process.poll() is None, process.stderr.read().decode()
            process.send_signal(signal.SIGINT)
            assert json.loads(finished(process, 130))["published"] == len(read(topic))
        finally:
            process.kill()


def test_a_use_case_without_topics_is_told_to_apply_them(charter, use_case):
    charter.write_text(charter.read_text().replace(use_case, f"{use_case}-other"))
    process = headrace("publish", "--simulate", "1", "--charter", charter)
    _, stderr = process.communicate(timeout=300)
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


def decision_of(event):
    """A decision as scoring would make it, as far as the label desk reads it."""
    zeros = {"string": "", "int": 0, "long": 0, "double": 0.0, "boolean": False}
    fields = load_schema("platform/DecisionMade")["fields"]
    blank = {
        field["name"]: field.get("default", zeros.get(str(field["type"]), b"\0" * 32))
        for field in fields
    }
    cents = event["amount_minor"]
    action = "decline" if cents > 20_000 else "review" if cents > 10_000 else "approve"
    return blank | {
        "event_id": event["event_id"],
        "key": event["card_id"],
        "occurred_at_ms": event["occurred_at_ms"],
        "decided_at_ms": 0,
        "features": [],
        "action": action,
        "acted": True,
    }


@pytest.fixture
def wiring(charter, registry):
    case = Charter.load(charter)
    return Wiring(load_topics(case.name, case.events.schema), registry)


@pytest.fixture
def decide(charter, registry, wiring):
    """Put a decision about every valid event of a world onto the topic of decisions."""

    def decide(events, seed):
        case = Charter.load(charter)
        channel = wiring.channel(f"{case.name}.decisions")
        decode = wiring.channel(events_topic(case)).decode
        producer = Clients(KafkaSettings()).producer()
        for publication in simulated(case, registry, events, seed).publications:
            if publication.kind in DECIDED:
                value = channel.encode(decision_of(decode(publication.value)))
                producer.produce(channel.topic, key=publication.key, value=value)
        assert producer.flush(30) == 0

    return decide


def said_on(topic, decode):
    """Return what is said in each partition, labels and heartbeats, in its order."""
    said = defaultdict(list)
    for message in read(topic):
        record = decode(message.value())
        name = record["source"] if record["kind"] == "heartbeat" else record["key"]
        assert message.key().decode() == name
        said[message.partition()].append(record)
    return said


def folded(decisions, decode, scenario):
    """Return what the desk makes in each partition of the decisions on the topic."""
    desk, said = LabelDesk(scenario), defaultdict(list)
    for message in read(decisions):
        said[message.partition()] += desk.observe(message.partition(), decode(message.value()))
    for partition, record in desk.rest(PARTITIONS, WAIT_MS):
        said[partition].append(record)
    return said


def of_kind(kind, said):
    """Return each partition's labels, or its heartbeats."""
    return {
        number: [record for record in records if record["kind"] == kind]
        for number, records in said.items()
    }


def test_labels_follow_the_decisions_and_stand_once_however_often_it_is_run(
    charter, wiring, decide
):
    name = Charter.load(charter).name
    decide(RECORDS, 5)
    arguments = ("--simulate", str(RECORDS), "--seed", "5", "--labels", "--charter", charter)
    first, again = published(*arguments), published(*arguments)
    channels = [wiring.channel(f"{name}.{topic}") for topic in ("decisions", "labels")]
    said = said_on(channels[1].topic, channels[1].decode)
    expected = folded(channels[0].topic, channels[0].decode, Scenario(5, RECORDS))
    labels, beats = of_kind("label", expected), of_kind("heartbeat", expected)
    assert of_kind("label", said) == labels
    assert of_kind("heartbeat", said) == {number: 2 * each for number, each in beats.items()}
    assert all(said[number][: len(each)] == each for number, each in expected.items())
    assert first["heartbeats"] == again["heartbeats"] == sum(map(len, beats.values()))
    of_source = Counter(label["source"] for each in labels.values() for label in each)
    assert first["labels"] == of_source
    assert of_source["analyst"] > 10
    assert of_source["chargeback"] > 0
    assert again["labels"] == {}


def test_decisions_that_do_not_come_are_an_error_that_says_how_many(charter, wiring):
    name = Charter.load(charter).name
    labelling = Labelling(
        Clients(KafkaSettings()),
        LabelDesk(Scenario(5, RECORDS)),
        wiring.channel(f"{name}.decisions"),
        wiring.channel(f"{name}.labels"),
        partitions=PARTITIONS,
        wait_ms=WAIT_MS,
        stalled_s=0.5,
    )
    labelling.expect(17)
    with pytest.raises(HeadraceError, match="17 of 17 events have no decision"):
        labelling.run(Event())


def test_ctrl_c_ends_the_wait_for_decisions(charter):
    process = headrace("publish", "--simulate", "50", "--labels", "--charter", charter)
    assert "waiting for the decisions" in process.stderr.readline().decode()
    process.send_signal(signal.SIGINT)
    finished(process, code=130)


def test_the_truth_is_written_beside_what_was_published(charter, registry, tmp_path):
    path = tmp_path / "truth.csv"
    arguments = ("--simulate", str(RECORDS), "--drift", "concept@2026-01-20", "--truth", path)
    summary = published(*arguments, "--charter", charter)
    with path.open(newline="") as file:
        kinds = Counter(row["kind"] for row in csv.DictReader(file))
    by_kind = summary["by_kind"]
    assert kinds == {k: n for k, n in by_kind.items() if k not in ("duplicate", "id_conflict")}


@pytest.mark.parametrize(
    ("drifts", "problem"),
    [
        (["mood@2026-02-01"], "is no drift"),
        (["data@2026-02-01", "data@2026-02-02"], "can be switched on once"),
    ],
)
def test_a_wrong_drift_is_wrong_usage(stack, drifts, problem):
    options = [option for drift in drifts for option in ("--drift", drift)]
    process = headrace("publish", "--simulate", "10", *options)
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == 2
    assert problem in " ".join(stderr.decode().split())
