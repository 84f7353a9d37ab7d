"""A use case of a test's own on the real stack: its charter, topics, schemas and model."""

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from confluent_kafka import Message, TopicPartition

from headrace.chassis.batch import Fetched
from headrace.chassis.clients import Clients
from headrace.chassis.offsets import committed
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
START_MS = 1_750_000_000_000
_MOST_BYTES = 8_388_608
_MOST_QUEUED = 5_000

Place: TypeAlias = tuple[int, int]
"""Partition and offset."""


SHIPPED = shipped("deploy") / "charters/card-fraud.toml"


class UseCase:
    """A charter under another name: its topics, schemas and model are there.

    Parameters
    ----------
    name
        The use case's.
    folder
        Where charter, model and keys go.
    changes
        Other texts for texts of the charter.
    original
        The charter's file; its name is the file's.
    """

    def __init__(
        self, name: str, folder: Path, changes: Mapping[str, str], original: Path = SHIPPED
    ) -> None:
        text = original.read_text()
        for old, new in {f'name = "{original.stem}"': f'name = "{name}"', **changes}.items():
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

    def transactions(self, first: int, count: int) -> list[tuple[str, bytes]]:
        """Return keys and values of events of one card, so of one partition, a second apart."""
        encode = self.encoder("events")
        return [
            ("card-1", encode(transaction(event_id=f"event-{number}", occurred_at_ms=time_ms)))
            for number, time_ms in ((n, START_MS + n * 1_000) for n in range(first, first + count))
        ]

    def ends(self, plural: str = "events") -> dict[int, int]:
        """Return where each partition of a topic ends."""
        topic = self.topic(plural)
        return ends(self.clients, topic, range(self.topics[topic].partitions), 60)

    def committed(self) -> dict[int, int]:
        """Return the group's stable committed offsets; 0 where there is none."""
        asked = [TopicPartition(self.topic("events"), partition) for partition in self.ends()]
        return {each.partition: max(0, each.offset) for each in committed(self._group, asked, 60)}

    def is_done(self) -> bool:
        """Say whether every event has been processed."""
        return self.committed() == self.ends()

    def is_drained(self, service: str, *inputs: str) -> bool:
        """Say whether a service has processed all records of its inputs; only markers follow."""
        member = self.clients.consumer(f"{self.name}.{service}")
        try:
            for plural in inputs:
                last = {each.partition(): each.offset() + 1 for each in self.messages(plural)}
                asked = [TopicPartition(self.topic(plural), partition) for partition in last]
                if {each.partition: each.offset for each in committed(member, asked, 60)} != last:
                    return False
            return True
        finally:
            member.close()

    def messages(self, plural: str) -> list[Fetched]:
        """Read a topic's committed records, each partition's in its order."""
        topic = self.topic(plural)
        partitions = range(self.topics[topic].partitions)
        return [
            each for batch in read_to_end(self.clients, topic, partitions, 90) for each in batch
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
            command, env=environment, capture_output=True, text=True, timeout=400, check=False
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
        admin = self.clients.admin()
        for deleted in admin.delete_topics(list(self.topics)).values():
            deleted.result()


def transaction(**changes: object) -> dict[str, Any]:
    """Return a valid event but for the given fields."""
    return {
        "event_id": uuid.uuid4().hex,
        "card_id": "card-1",
        "merchant_id": "merchant-1",
        "amount_minor": 4_200,
        "currency": "EUR",
        "occurred_at_ms": START_MS,
        "distance_km": 1.5,
        **changes,
    }


@contextmanager
def deployed(
    name: str, folder: Path, changes: Mapping[str, str] | None = None, original: Path = SHIPPED
) -> Iterator[UseCase]:
    """Deploy a use case for a while."""
    case = UseCase(name, folder, changes or {}, original)
    try:
        case.apply()
        yield case
    finally:
        case.remove()


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
