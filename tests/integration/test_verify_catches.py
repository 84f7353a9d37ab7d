"""``headrace verify`` on a real broker: a correct history passes, every planted fault is named."""

import io
import json
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, not in __all__
    AdminClient,
    NewTopic,
)
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from fastavro import parse_schema, schemaless_writer

from conftest import Stack
from headrace.chassis.clients import Clients
from headrace.chassis.settings import KafkaSettings
from headrace.contracts.registry import Registry, RegistrySettings
from headrace.errors import HeadraceError
from headrace.verification.report import Report
from headrace.verification.verifier import Verifier
from support.decided_history import (
    PARTITIONS,
    SCHEMAS,
    Outputs,
    Written,
    decide,
    make_events,
    terms,
)
from support.planted_faults import PLANTED

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
CHARTER = """
name = "card-fraud"
[events]
schema = "card-fraud/Transaction"
id = "event_id"
key = "card_id"
time = "occurred_at_ms"
amount = "amount_minor"
currency = "currency"
duplicate_span = "7d"
"""
WAIT_S = 30.0


class Topics:
    """The topics of one use case, and a producer that writes them in transactions."""

    def __init__(self, stack: Stack, use_case: str) -> None:
        self.terms = terms(use_case)
        self.stack = stack
        self.names = {kind: getattr(self.terms, kind) for kind in SCHEMAS}
        self.admin = AdminClient({"bootstrap.servers": stack.bootstrap_servers})
        new = [NewTopic(name, PARTITIONS, 1) for name in self.names.values()]
        for created in self.admin.create_topics(new).values():
            created.result(WAIT_S)
        self._schemas: dict[str, tuple[bytes, Any]] = {}
        with SchemaRegistryClient({"url": stack.registry_url}) as registry:
            for kind, schema in SCHEMAS.items():
                text = (ROOT / "schemas" / f"{schema}.avsc").read_text()
                number = registry.register_schema(f"{self.names[kind]}-value", Schema(text, "AVRO"))
                self._schemas[kind] = b"\0" + number.to_bytes(4), parse_schema(json.loads(text))
        self.producer = self.transactional(f"{use_case}.1")

    def transactional(self, transactional_id: str) -> Producer:
        producer = Producer(
            {
                "bootstrap.servers": self.stack.bootstrap_servers,
                "transactional.id": transactional_id,
                "transaction.timeout.ms": 60_000,
                "retry.backoff.ms": 1,
            }
        )
        producer.init_transactions(WAIT_S)
        return producer

    def delete(self) -> None:
        for deleted in self.admin.delete_topics(list(self.names.values())).values():
            deleted.result(WAIT_S)

    def encode(self, kind: str, record: Written) -> bytes:
        if record.value is not None:
            return record.value
        header, schema = self._schemas[kind]
        body = io.BytesIO(header)
        body.seek(0, io.SEEK_END)
        schemaless_writer(body, schema, record.fields)
        return body.getvalue()

    def produce(self, producer: Producer, kind: str, record: Written) -> None:
        def delivered(_: object, message: Message) -> None:
            record.offset = message.offset() or 0

        producer.produce(
            self.names[kind],
            self.encode(kind, record),
            record.key,
            record.partition,
            on_delivery=delivered,
        )

    def write(self, kind: str, records: Sequence[Written], *, commit: bool = True) -> None:
        """Write records in one transaction."""
        self.producer.begin_transaction()
        for record in records:
            self.produce(self.producer, kind, record)
        self.producer.flush()
        if commit:
            self.producer.commit_transaction(WAIT_S)
        else:
            self.producer.abort_transaction(WAIT_S)

    def write_outputs(self, outputs: Outputs) -> None:
        """Write everything in small transactions, each after an aborted attempt at it."""
        for kind in ("decisions", "audits", "dead_letters"):
            records = getattr(outputs, kind)
            for start in range(0, len(records), 40):
                chunk = records[start : start + 40]
                self.write(kind, chunk, commit=False)
                self.write(kind, chunk)

    def send_offsets(self, producer: Producer, events: Sequence[Written]) -> None:
        """Send the offsets after these events to the transaction, as scoring does."""
        ends = {made.partition: made.offset + 1 for made in events}
        offsets = [TopicPartition(self.names["events"], p, end) for p, end in ends.items()]
        group = {"bootstrap.servers": self.stack.bootstrap_servers, "group.id": self.terms.group}
        consumer = Consumer(group)
        producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata(), WAIT_S)
        consumer.close()

    def commit_offsets(self, events: Sequence[Written]) -> None:
        self.producer.begin_transaction()
        self.send_offsets(self.producer, events)
        self.producer.commit_transaction(WAIT_S)


@pytest.fixture
def topics(stack: Stack, use_case: str) -> Iterator[Topics]:
    made = Topics(stack, use_case)
    yield made
    made.delete()


@pytest.fixture
def events(topics: Topics) -> list[Written]:
    """Two hundred and more events, with aborted transactions between them."""
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    made = make_events(200, seed)
    for start in range(0, len(made), 50):
        topics.write("events", made[start : start + 50], commit=False)
        topics.write("events", made[start : start + 50])
    return made


@pytest.fixture
def outputs(topics: Topics, events: list[Written]) -> Outputs:
    return decide(topics.terms, events, topics.encode)


@pytest.fixture
def charter(tmp_path: Path) -> Path:
    path = tmp_path / "charter.toml"
    path.write_text(CHARTER)
    return path


@pytest.fixture(scope="module")
def registry(stack: Stack) -> Iterator[Registry]:
    made = Registry(RegistrySettings(url=stack.registry_url))
    yield made
    made._client.close()


Verify = Callable[..., Report]


@pytest.fixture
def verify(stack: Stack, registry: Registry, use_case: str) -> Verify:
    """Verify by the code that the command calls."""

    def run(
        *,
        allow_pending: bool = False,
        timeout_s: float = WAIT_S,
        progress: Callable[[str], None] = print,
    ) -> Report:
        clients = Clients(KafkaSettings(bootstrap_servers=stack.bootstrap_servers))
        verifier = Verifier(clients, registry, terms(use_case), timeout_s, progress)
        return verifier.verify(allow_pending=allow_pending)

    return run


def headrace_verify(topics: Topics, charter: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Run the command itself."""
    program = Path(sys.executable).parent / "headrace"
    return subprocess.run(
        [program, "verify", "--charter", charter, "--use-case", topics.terms.use_case, *more],
        capture_output=True,
        text=True,
        check=False,
    )


def failing(document: Any) -> dict[str, Any]:
    return {check["check"]: check for check in document["checks"] if check["verdict"] == "FAIL"}


def test_a_correct_history_with_aborted_attempts_passes(
    topics: Topics, events: list[Written], outputs: Outputs, charter: Path
) -> None:
    topics.write_outputs(outputs)
    topics.commit_offsets(events)
    ended = headrace_verify(topics, charter, "--json")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    document = json.loads(ended.stdout)
    assert document["passed"]
    assert all(check["checked"] > 0 and check["offenders"] == 0 for check in document["checks"])
    balance = document["balance"]
    readable = sum(made.value is None for made in events)
    assert balance["events"]["records"] == readable
    assert balance["decisions"]["records"] == len(outputs.decisions)
    assert balance["unreadable_events"] == len(events) - readable


@pytest.mark.parametrize("fault", PLANTED)
def test_each_planted_fault_is_named_and_exits_1(
    fault: str, topics: Topics, events: list[Written], outputs: Outputs, charter: Path
) -> None:
    plant, checks = PLANTED[fault]
    plant(outputs)
    topics.write_outputs(outputs)
    topics.commit_offsets(events)
    ended = headrace_verify(topics, charter, "--json")
    assert ended.returncode == 1, ended.stdout + ended.stderr
    found = failing(json.loads(ended.stdout))
    assert set(found) == checks
    for check in found.values():
        assert check["first"]["topic"].startswith(topics.terms.use_case)
        assert check["first"]["expected"] != check["first"]["found"]


def test_the_tables_name_the_first_offender(
    topics: Topics, events: list[Written], outputs: Outputs, charter: Path
) -> None:
    culprit = outputs.decisions[5]
    culprit.fields["amount_minor"] += 1
    topics.write_outputs(outputs)
    topics.commit_offsets(events)
    ended = headrace_verify(topics, charter)
    assert ended.returncode == 1
    topic = topics.names["decisions"]
    where = f"{topic} partition {culprit.partition} offset {culprit.offset}"
    assert f"FAIL decision-agrees: offenders 1, the first is {where}" in ended.stdout
    assert "records read" in ended.stderr


def test_events_that_nobody_has_processed_are_pending(
    events: list[Written], verify: Verify
) -> None:
    report = verify()
    assert set(failing(report.as_json())) == {"none-pending"}
    assert report.pending == len(events)
    assert verify(allow_pending=True).passed


def test_an_output_past_the_committed_offset_is_found(
    topics: Topics, events: list[Written], outputs: Outputs, verify: Verify
) -> None:
    topics.write_outputs(outputs)
    topics.commit_offsets(events[:-20])
    report = verify(allow_pending=True)
    assert set(failing(report.as_json())) == {"committed-only"}


@pytest.fixture
def left_open(topics: Topics, events: list[Written], outputs: Outputs) -> Producer:
    """A correct history, its last decision in a transaction that is still open."""
    last = outputs.decisions.pop()
    topics.write_outputs(outputs)
    topics.commit_offsets(events)
    slow = topics.transactional(f"{topics.terms.use_case}.slow")
    slow.begin_transaction()
    topics.produce(slow, "decisions", last)
    slow.flush()
    return slow


def test_an_open_transaction_is_waited_for(left_open: Producer, verify: Verify) -> None:
    events_read, reports = threading.Event(), list[Report]()
    waiting = threading.Thread(
        target=lambda: reports.append(verify(progress=lambda _: events_read.set()))
    )
    waiting.start()
    assert events_read.wait(WAIT_S)  # the topic with the open transaction comes next
    left_open.commit_transaction(WAIT_S)
    waiting.join(WAIT_S)
    assert [report.passed for report in reports] == [True]


def test_a_transaction_that_stays_open_is_a_clear_error(
    left_open: Producer, verify: Verify
) -> None:
    with pytest.raises(HeadraceError, match="a transaction is still open"):
        verify(timeout_s=2.0)
    left_open.abort_transaction(WAIT_S)


def test_offsets_in_a_transaction_that_stays_open_are_a_clear_error(
    topics: Topics, events: list[Written], verify: Verify
) -> None:
    topics.producer.begin_transaction()
    topics.send_offsets(topics.producer, events)
    with pytest.raises(HeadraceError, match="committed offsets"):
        verify(timeout_s=2.0)
    topics.producer.abort_transaction(WAIT_S)


def test_a_history_whose_beginning_is_no_longer_kept_is_judged_from_there(
    topics: Topics, events: list[Written], outputs: Outputs, verify: Verify
) -> None:
    topics.write_outputs(outputs)
    topics.commit_offsets(events)
    middle = outputs.decisions[len(outputs.decisions) // 4]
    until = TopicPartition(topics.names["decisions"], middle.partition, middle.offset)
    for deleted in topics.admin.delete_records([until]).values():
        deleted.result(WAIT_S)
    report = verify()
    assert report.passed
    assert report.older > 0


def test_a_missing_topic_is_a_clear_error(use_case: str, verify: Verify) -> None:
    with pytest.raises(HeadraceError, match=f"no topic {use_case}.events"):
        verify()
