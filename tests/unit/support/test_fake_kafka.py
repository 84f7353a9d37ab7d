"""The fake keeps what the suite asks of a broker."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

import pytest
from confluent_kafka import KafkaException

from support.fake_kafka import FakeClients, FakeKafka, lose_answer
from support.fake_kafka.errors import timed_out

pytest.register_assert_rewrite("support.broker_suite")

from support.broker_suite.broker import Client  # noqa: E402 -- rewritten first
from support.broker_suite.consumers import ConsumerSuite  # noqa: E402 -- rewritten first
from support.broker_suite.groups import GroupSuite, Member  # noqa: E402 -- rewritten first
from support.broker_suite.transactions import TransactionSuite  # noqa: E402 -- rewritten first


@dataclass
class FakeBroker:
    """The fake as the suite's broker."""

    kafka: FakeKafka = field(default_factory=FakeKafka)
    names: "count[int]" = field(default_factory=count)

    def clients(self) -> FakeClients:
        return FakeClients(self.kafka)

    def topic(self, partitions: int = 1, max_message_bytes: int = 1_048_588) -> str:
        name = self.name()
        self.kafka.create_topic(name, partitions, max_message_bytes)
        return name

    def name(self) -> str:
        return f"name-{next(self.names)}"

    def until(self, reached: Callable[[], bool]) -> None:
        assert any(reached() for _ in range(10))

    def expel(self, member: Member) -> None:
        member.consumer.expire()

    def expire_transactions(self) -> None:
        self.kafka.expire_transactions()

    def lose_commit_answer(self, producer: Client) -> KafkaException:
        self.kafka.faults.plan("commit_transaction", lose_answer(timed_out()))
        with pytest.raises(KafkaException) as raised:
            producer.commit_transaction()
        return raised.value


@pytest.fixture
def broker() -> FakeBroker:
    return FakeBroker()


class TestFakeTransactions(TransactionSuite):
    """Transactions."""


class TestFakeConsumers(ConsumerSuite):
    """Reading."""


class TestFakeGroups(GroupSuite):
    """Membership."""
