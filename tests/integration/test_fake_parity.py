"""The real broker keeps what the suite asks, so the fake that keeps it too is like it."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.cimpl import NewTopic

from headrace.chassis.clients import Clients
from headrace.chassis.offsets import LATEST, offsets
from headrace.chassis.settings import KafkaSettings

pytest.register_assert_rewrite("support.broker_suite")

from support.broker_suite.broker import Client  # noqa: E402 -- rewritten first
from support.broker_suite.consumers import ConsumerSuite  # noqa: E402 -- rewritten first
from support.broker_suite.groups import GroupSuite, Member  # noqa: E402 -- rewritten first
from support.broker_suite.transactions import TransactionSuite  # noqa: E402 -- rewritten first

pytestmark = pytest.mark.integration


@dataclass
class RealBroker:
    """The local stack's broker as the suite's."""

    bootstrap_servers: str
    topics: list[str] = field(default_factory=list)

    def clients(self) -> Clients:
        return Clients(KafkaSettings(bootstrap_servers=self.bootstrap_servers))

    def topic(self, partitions: int = 1, max_message_bytes: int = 1_048_588) -> str:
        name = self.name()
        config = {"max.message.bytes": str(max_message_bytes)}
        admin, topic = self.clients().admin(), NewTopic(name, partitions, 1, config=config)
        admin.create_topics([topic])[name].result()
        offsets(admin, name, range(partitions), LATEST, 60, is_there=True)  # until it has leaders
        self.topics.append(name)
        return name

    def name(self) -> str:
        return f"parity-{uuid.uuid4().hex[:12]}"

    def until(self, reached: Callable[[], bool]) -> None:
        end = monotonic() + 90
        while not reached():
            assert monotonic() < end
            sleep(0.01)

    def expel(self, member: Member) -> None:
        member_of = member.consumer.consumer_group_metadata
        captured = member_of()
        self.until(lambda: member_of() != captured)  # it does not poll

    def expire_transactions(self) -> None:
        """Time passes by itself here."""

    def lose_commit_answer(self, producer: Client) -> KafkaException | None:
        try:
            producer.commit_transaction(0.000001)
        except KafkaException as lost:
            return lost
        return None


@pytest.fixture
def broker(stack: Any) -> Iterator[RealBroker]:
    real = RealBroker(stack.bootstrap_servers)
    yield real
    admin = real.clients().admin()
    for deleted in admin.delete_topics(real.topics).values() if real.topics else ():
        deleted.result()


class TestRealTransactions(TransactionSuite):
    """Transactions."""


class TestRealConsumers(ConsumerSuite):
    """Reading."""


class TestRealGroups(GroupSuite):
    """Membership."""
