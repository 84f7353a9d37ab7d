"""A use case of a test's own: its charter, its model, its topics, and what must hold in the end."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Self

from confluent_kafka import IsolationLevel, KafkaException, TopicPartition

from faults.instances import Instance
from faults.promises import Topics, assert_as_undisturbed, assert_verified
from faults.waiting import PATIENCE_S, free_ports, until
from headrace.chassis.clients import Clients
from headrace.chassis.offsets import LATEST, offsets
from headrace.chassis.settings import KafkaSettings
from headrace.chassis.topics import apply_topics, plan_topics
from headrace.chassis.wiring import Wiring
from headrace.contracts.location import shipped
from headrace.contracts.registration import apply_schemas, plan_schemas
from headrace.contracts.registry import Registry
from headrace.contracts.topics import load_topics
from headrace.scoring.provision import freeze
from headrace.scoring.settings import ScoringSettings
from headrace.simulator.kinds import Publication
from headrace.simulator.publisher import Publisher
from headrace.simulator.sources import simulated
from headrace.usecase.charter import Charter
from support.traces import UNTRACED

BATCH_RECORDS = 100
SESSION_TIMEOUT_MS = 3_000
_DRIVER = Path(__file__).with_name("crashing.py")
_OUTPUTS = ("decisions", "audits", "events.dlq", "scoring.changelog")
_LOAD_RATE = 500.0
_LOAD_MOST = 250_000
_CALL_S = 30.0
_SETTLE_S = 180.0


class UseCase:
    """The shipped charter under another name, on one broker.

    Parameters
    ----------
    folder
        For its charter, model, keys and logs.
    bootstrap_servers
        The broker, as the test reaches it.
    proxied_servers
        The broker, as the services reach it.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        registry: Registry,
        registry_url: str,
        bootstrap_servers: str,
        proxied_servers: str | None = None,
    ) -> None:
        self.name = name
        self._folder = folder
        self._registry = registry
        self._environment = {
            "KAFKA_BOOTSTRAP_SERVERS": proxied_servers or bootstrap_servers,
            "SCHEMA_REGISTRY_URL": registry_url,
            "HEADRACE_HOME": str(folder),
            "HEADRACE_BATCH_RECORDS": str(BATCH_RECORDS),
            "HEADRACE_SESSION_TIMEOUT_MS": str(SESSION_TIMEOUT_MS),
            "HEADRACE_SETTLE_TIMEOUT_S": str(_SETTLE_S),
        }
        self._clients = Clients(KafkaSettings(bootstrap_servers=bootstrap_servers))
        self._admin = self._clients.admin()
        path = folder / "charter.toml"
        shipped_charter = shipped("deploy") / "charters" / "card-fraud.toml"
        text = shipped_charter.read_text().replace('name = "card-fraud"', f'name = "{name}"', 1)
        path.write_text(text)
        self._settings = ScoringSettings(home=folder, charter=path)
        self._charter = Charter.load(path)
        self._specs = load_topics(name, self._charter.events.schema)
        self._partitions = list(range(self._specs[f"{name}.events"].partitions))
        self._member = self._clients.consumer(f"{name}.scoring")  # asks, and never joins

    def __enter__(self) -> Self:
        specs = list(self._specs.values())
        apply_schemas(self._registry, specs, plan_schemas(self._registry, specs))
        apply_topics(self._admin, specs, plan_topics(self._admin, specs, 1), 1)
        freeze(self._settings, self._charter)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._member.close()
        for deleted in self._admin.delete_topics(list(self._specs)).values():
            deleted.result(PATIENCE_S)

    def scoring(self, instance: str = "one", **settings: str) -> Instance:
        """Return the service as people run it."""
        headrace = str(Path(sys.executable).with_name("headrace"))
        command = [headrace, "run", "scoring", "--charter", str(self._settings.charter)]
        return self._instance(command, instance, settings)

    def struck(
        self, point: str, seed: int, *flags: str, instance: str = "one", **settings: str
    ) -> Instance:
        """Return the service, to be killed at a point or, with ``--signal stop``, stopped."""
        charter = str(self._settings.charter)
        command = [sys.executable, str(_DRIVER), "--charter", charter, "--point", point]
        return self._instance([*command, "--seed", str(seed), *flags], instance, settings)

    def publish(self, events: int, seed: int) -> None:
        """Publish simulated events, some of them twice, late or broken."""
        publisher, source = self._publisher(events, seed, None)
        publisher.run(source, Event())
        assert (publisher.outcome.published, publisher.outcome.failed) == (events, 0)

    @contextmanager
    def load(self, seed: int) -> Iterator[None]:
        """Publish at a steady rate for as long as the block is at work."""
        publisher, source = self._publisher(_LOAD_MOST, seed, _LOAD_RATE)
        stop = Event()
        thread = Thread(target=publisher.run, args=(source, stop))
        thread.start()
        try:
            yield
            assert thread.is_alive(), "there was not enough to publish"
        finally:
            stop.set()
            thread.join()
        assert publisher.outcome.failed == 0, publisher.outcome.first_failure

    def _publisher(
        self, events: int, seed: int, rate: float | None
    ) -> tuple[Publisher, Iterable[Publication]]:
        source = simulated(self._charter, self._registry, events, seed)
        producer = self._clients.producer()
        return Publisher(producer, f"{self.name}.events", UNTRACED, rate=rate), source.publications

    def processed(self) -> int:
        """Return how many events the group has committed; 0 where the broker does not say."""
        try:
            return sum(self._committed().values())
        except KafkaException:  # it is away, or a transaction is under way
            return 0

    def until_processed(self, events: int) -> None:
        """Wait until the group has committed so many events."""
        until(lambda: self.processed() >= events, f"{events} events are processed")

    def until_drained(self) -> None:
        """Wait until every event that stands in the topic is processed."""
        events = sum(self._ends("events", IsolationLevel.READ_UNCOMMITTED).values())
        self.until_processed(events)

    def until_all_transactions_end(self) -> None:
        """Wait until no transaction is open; a commit is answered before its markers stand."""
        until(lambda: not self._open_transactions(), "no transaction is open")

    def _open_transactions(self) -> list[str]:
        """Return the output topics in which a transaction is open."""
        return [
            plural
            for plural in _OUTPUTS
            if self._ends(plural, IsolationLevel.READ_UNCOMMITTED)
            != self._ends(plural, IsolationLevel.READ_COMMITTED)
        ]

    def until_shared_by(self, instances: int) -> None:
        """Wait until so many instances have partitions."""
        until(lambda: self.sharers() == instances, f"{instances} instances have partitions")

    def sharers(self) -> int:
        """Return how many instances have partitions."""
        group = f"{self.name}.scoring"
        described = self._admin.describe_consumer_groups([group], request_timeout=_CALL_S)
        members = described[group].result().members
        return sum(bool(each.assignment.topic_partitions) for each in members)

    def assert_exactly_once(self) -> None:
        """Verify the topics, and compare decisions and state with an undisturbed run's."""
        assert_verified(self._clients, self._registry, self._settings)
        topics = Topics(self._clients, Wiring(self._specs, self._registry), self.name)
        assert_as_undisturbed(topics, self._settings, self._committed())

    def _instance(self, command: list[str], instance: str, settings: dict[str, str]) -> Instance:
        (port,) = free_ports(1)
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("HEADRACE_")},
            **self._environment,
            "HEADRACE_INSTANCE": instance,
            "HEADRACE_HEALTH_PORT": str(port),
            **settings,
        }
        return Instance(command, environment, self._folder / f"{instance}.log", port)

    def _committed(self) -> dict[int, int]:
        topic = f"{self.name}.events"
        asked = [TopicPartition(topic, partition) for partition in self._partitions]
        answers = self._member.committed(asked, timeout=_CALL_S)
        return {each.partition: max(each.offset, 0) for each in answers}

    def _ends(self, plural: str, isolation: IsolationLevel) -> dict[int, int]:
        admin = self._clients.admin()  # a new one: an old one is fenced after the broker's restart
        topic = f"{self.name}.{plural}"
        return offsets(admin, topic, self._partitions, LATEST, _CALL_S, isolation)
