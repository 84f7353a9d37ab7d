"""The clients of one process, with the interface of ``headrace.chassis.clients.Clients``."""

from typing import Any

from support.fake_kafka.admin import FakeAdmin
from support.fake_kafka.broker import FakeKafka
from support.fake_kafka.consumer import FakeConsumer
from support.fake_kafka.process import Process
from support.fake_kafka.producer import FakeProducer
from support.fake_kafka.transactional_producer import FakeTransactionalProducer

_LARGEST_PRODUCED = 4_194_304  # the chassis' message.max.bytes


class FakeClients:
    """Makes clients of a :class:`FakeKafka` that share one process.

    Parameters
    ----------
    name
        Names the process in planned faults.
    """

    def __init__(self, kafka: FakeKafka, name: str = "process") -> None:
        self._process = Process(kafka, name)
        self._consumers: list[FakeConsumer] = []

    @property
    def dead(self) -> bool:
        """Say whether the process was killed."""
        return self._process.dead

    def kill(self) -> None:
        """Kill the process; the group has expelled its members, its transactions stay open."""
        self._process.kill()

    def expire(self, unaware_polls: int = 0) -> None:
        """Let its group members' sessions time out; see ``FakeConsumer.expire``."""
        for consumer in self._consumers:
            consumer.expire(unaware_polls)

    def consumer(self, group: str, **extra: Any) -> FakeConsumer:
        """Return a member of a group that commits nothing by itself."""
        config = {"auto.offset.reset": "error", "isolation.level": "read_committed", **extra}
        consumer = FakeConsumer(self._process, group, config)
        self._consumers.append(consumer)
        return consumer

    def reader(self) -> FakeConsumer:
        """Return a consumer for assigned partitions only, that says where a partition ends."""
        config = {
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
        }
        return FakeConsumer(self._process, "headrace.reader", config)

    def producer(self, **extra: Any) -> FakeProducer:
        """Return a producer without transactions."""
        largest = int(extra.get("message.max.bytes", _LARGEST_PRODUCED))
        return FakeProducer(self._process, largest)

    def transactional_producer(
        self, transactional_id: str, timeout_ms: int = 10_000
    ) -> FakeTransactionalProducer:
        """Return a producer whose transactions the broker aborts after ``timeout_ms``."""
        largest = _LARGEST_PRODUCED
        return FakeTransactionalProducer(self._process, transactional_id, timeout_ms, largest)

    def admin(self) -> FakeAdmin:
        """Return an administrative client."""
        return FakeAdmin(self._process)
