"""A use case of a test's own on the real stack, and scoring for it as the process it is."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import httpx
from confluent_kafka import Message, TopicPartition

from headrace.chassis.batch import Fetched
from headrace.chassis.clients import Clients
from headrace.chassis.reading import ends, read_to_end
from headrace.chassis.settings import KafkaSettings
from headrace.chassis.topics import apply_topics, plan_topics
from headrace.contracts.codec import AnyDecoder, Encoder
from headrace.contracts.location import shipped
from headrace.contracts.registration import apply_schemas, plan_schemas
from headrace.contracts.registry import Registry, RegistrySettings
from headrace.contracts.schemas import load_schema
from headrace.contracts.topics import load_topics
from headrace.scoring.provision import freeze
from headrace.scoring.settings import ScoringSettings
from headrace.usecase.charter import Charter

PROGRAM = Path(sys.executable).with_name("headrace")
WIDE: Mapping[str, object] = {"NO_COLOR": 1, "COLUMNS": 10_000}
"""One line for each error, however long."""
_MOST_BYTES = 8_388_608
_MOST_QUEUED = 5_000

Place: TypeAlias = tuple[int, int]
"""Partition and offset."""


class UseCase:
    """The shipped charter under another name: its topics, schemas and model are there.

    Parameters
    ----------
    name
        The use case's.
    folder
        Where charter, model and keys go.
    changes
        Other texts for texts of the charter.
    """

    def __init__(self, name: str, folder: Path, changes: Mapping[str, str]) -> None:
        text = (shipped("deploy") / "charters/card-fraud.toml").read_text()
        for old, new in {'name = "card-fraud"': f'name = "{name}"', **changes}.items():
            assert old in text
            text = text.replace(old, new, 1)
        self.name = name
        self.path = folder / "charter.toml"
        self.path.write_text(text)
        self.settings = ScoringSettings(home=folder / "home", charter=self.path)
        self.charter = Charter.load(self.path)
        self.clients = Clients(KafkaSettings())
        self.registry = Registry(RegistrySettings())
        self.decode = AnyDecoder(self.registry.writer, _MOST_BYTES)
        self.topics = load_topics(name, self.charter.events.schema)
        self._group = self.clients.consumer(self.group)  # asks only, never joins

    @property
    def group(self) -> str:
        """The consumer group of scoring."""
        return f"{self.name}.scoring"

    def topic(self, plural: str) -> str:
        """Return a topic's full name."""
        return f"{self.name}.{plural}"

    def encoder(self, plural: str) -> Encoder:
        """Return what writes a topic's values."""
        spec = self.topics[self.topic(plural)]
        schema = load_schema(spec.schema)
        return Encoder(schema, self.registry.schema_id(spec.subject, schema))

    def publish(
        self,
        records: Iterable[tuple[str | bytes | None, bytes | None]],
        plural: str = "events",
        partition: int = -1,
        **config: Any,
    ) -> list[Place]:
        """Write keys and values to a topic; returns where each record stands."""
        written: dict[int, Place] = {}
        producer = self.clients.producer(**config)
        number = -1
        for number, (key, value) in enumerate(records):
            noted = _noted(written, number)
            while len(producer) > _MOST_QUEUED:
                producer.poll(0.1)
            producer.produce(self.topic(plural), value, key, partition, on_delivery=noted)
        assert producer.flush(60) == 0
        return [written[each] for each in range(number + 1)]

    def ends(self, plural: str = "events") -> dict[int, int]:
        """Return where each partition of a topic ends."""
        topic = self.topic(plural)
        return ends(self.clients, topic, range(self.topics[topic].partitions), 10)

    def committed(self) -> dict[int, int]:
        """Return the group's stable committed offsets; 0 where there is none."""
        asked = [TopicPartition(self.topic("events"), partition) for partition in self.ends()]
        return {each.partition: max(0, each.offset) for each in self._group.committed(asked, 20)}

    def is_done(self) -> bool:
        """Say whether every event has been processed."""
        return self.committed() == self.ends()

    def messages(self, plural: str) -> list[Fetched]:
        """Read a topic's committed records, each partition's in its order."""
        topic = self.topic(plural)
        partitions = range(self.topics[topic].partitions)
        return [
            each for batch in read_to_end(self.clients, topic, partitions, 30) for each in batch
        ]

    def records(self, plural: str) -> list[dict[str, Any]]:
        """Read a topic's committed records, decoded."""
        return [self.decode(message.value()) for message in self.messages(plural)]

    def commit(self, offsets: Mapping[int, int]) -> None:
        """Set the group's offsets; nobody may be in the group."""
        at = [TopicPartition(self.topic("events"), p, offset) for p, offset in offsets.items()]
        self._group.commit(offsets=at, asynchronous=False)

    def headrace(
        self, *arguments: str | Path, charter: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of the use case to its end."""
        command = [PROGRAM, *arguments, *(("--charter", self.path) if charter else ())]
        environment = self.environment(**WIDE)
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    def environment(self, **more: object) -> dict[str, str]:
        """Return what a command of the use case has to know."""
        own = {"HEADRACE_HOME": self.settings.home, **more}
        return {**os.environ, **{name: str(value) for name, value in own.items()}}

    def apply(self) -> None:
        """Make the topics, the schemas and the model."""
        specs, admin = list(self.topics.values()), self.clients.admin()
        apply_schemas(self.registry, specs, plan_schemas(self.registry, specs))
        apply_topics(admin, specs, plan_topics(admin, specs, 1), 1)
        freeze(self.settings, self.charter)

    def remove(self) -> None:
        """Delete the topics, so that the broker stays small."""
        self._group.close()
        self.registry._client.__exit__(None, None, None)  # it has no public end
        admin = self.clients.admin()
        for deleted in admin.delete_topics(list(self.topics)).values():
            deleted.result()


@contextmanager
def deployed(
    name: str, folder: Path, changes: Mapping[str, str] | None = None
) -> Iterator[UseCase]:
    """Deploy a use case for a while."""
    case = UseCase(name, folder, changes or {})
    try:
        case.apply()
        yield case
    finally:
        case.remove()


@dataclass(frozen=True)
class Scoring:
    """A running scoring process."""

    process: subprocess.Popen[bytes]
    address: str
    log: Path
    """Where its standard error goes."""

    def ask(self, path: str) -> httpx.Response:
        """Ask the health endpoint."""
        return httpx.get(self.address + path, timeout=5)

    def metrics(self) -> dict[str, float]:
        """Return every sample by its name and labels, as ``name{label="value"}``."""
        lines = self.ask("/metrics").text.splitlines()
        samples = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {name: float(value) for name, value in samples}

    def says(self, path: str) -> str:
        """Return what the health endpoint answers; nothing while it doesn't."""
        try:
            return self.ask(path).text
        except httpx.TransportError:
            return ""

    def is_ready(self) -> bool:
        """Say whether it processes events."""
        return '"ok":true' in self.says("/ready")

    def until(self, reached: Callable[[], object], timeout_s: float = 60.0) -> None:
        """Wait for a condition; fail where the process ends or the time is over."""
        until(lambda: self.process.poll() is not None or reached(), timeout_s, self.errors)
        assert self.process.poll() is None, self.errors()

    def stop(self) -> int:
        """Send SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def errors(self) -> str:
        """Return all that it has logged."""
        return self.log.read_text()

    def most_memory_mb(self) -> float:
        """Return the largest resident size that it ever had."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found
        return int(found[1]) / 1_024


@contextmanager
def scoring(case: UseCase, *, ready: bool = True, **environment: object) -> Iterator[Scoring]:
    """Run scoring for a while; killed where it still lives at the end.

    Parameters
    ----------
    ready
        Whether to wait until it is.
    environment
        Variables for it, as ``HEADRACE_BATCH_RECORDS=10``.
    """
    port = free_port()
    log = case.path.with_name(f"scoring-{port}.log")
    variables = case.environment(**{"HEADRACE_HEALTH_PORT": port, **WIDE, **environment})
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [PROGRAM, "run", "scoring", "--charter", case.path], env=variables, stderr=stderr
        )
    running = Scoring(process, f"http://127.0.0.1:{port}", log)
    try:
        if ready:
            running.until(running.is_ready)
        yield running
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(10)


def until(
    reached: Callable[[], object], timeout_s: float, why: Callable[[], str] = lambda: ""
) -> None:
    """Wait for a condition; fail where the time is over."""
    end = time.monotonic() + timeout_s
    while not reached():
        assert time.monotonic() < end, f"not within {timeout_s} s. {why()}"
        time.sleep(0.05)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def by_place(records: Sequence[dict[str, Any]]) -> dict[Place, dict[str, Any]]:
    """Return outputs by the event that they are about; no event has two."""
    found = {(each["source_partition"], each["source_offset"]): each for each in records}
    assert len(found) == len(records)
    return found


def _noted(written: dict[int, Place], number: int) -> Callable[[object, Message], None]:
    def delivered(error: object, message: Message) -> None:
        assert error is None, error
        partition, offset = message.partition(), message.offset()
        assert partition is not None
        assert offset is not None
        written[number] = (partition, offset)

    return delivered
