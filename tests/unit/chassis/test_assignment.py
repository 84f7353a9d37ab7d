"""What a member of the group knows of its broker."""

from unittest.mock import MagicMock

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from headrace.chassis.assignment import AWAY, Assignment
from headrace.chassis.clients import Clients
from headrace.chassis.companion import ALONE
from headrace.chassis.settings import KafkaSettings
from headrace.errors import HeadraceError
from support.running import free_port, until

AWAITED = "not in the group yet"


def assignment(member, patience_s=1.0):
    return Assignment(
        member, ["t"], MagicMock(), MagicMock(), ALONE, lambda: None, lambda: None, patience_s
    )


@pytest.fixture
def told():
    """A mocked consumer, and its member that has been told of an error."""

    def made(error):
        consumer = MagicMock()

        def member(heard):
            consumer.heard = heard
            return consumer

        member = assignment(member)
        consumer.heard(KafkaError(error))
        return consumer, member

    return made


def test_where_nobody_listens_it_says_that_no_broker_answers():
    clients = Clients(KafkaSettings(bootstrap_servers=f"127.0.0.1:{free_port()}"))
    member = assignment(lambda heard: clients.consumer("g", error_cb=heard))
    assert member.not_ready == AWAITED
    until(lambda: member.consumer.poll(0.05) or member.not_ready == AWAY, 10)
    member.look_for_broker()
    assert member.not_ready == AWAY
    member.consumer.close()


def test_it_notices_that_one_is_there_again(told):
    consumer, member = told(KafkaError._ALL_BROKERS_DOWN)
    consumer.list_topics.side_effect = KafkaException(KafkaError(KafkaError._TRANSPORT))
    member.look_for_broker()
    assert member.not_ready == AWAY
    consumer.list_topics.side_effect = None
    member.look_for_broker()
    assert member.not_ready == AWAITED


def test_one_connection_that_is_lost_is_not_the_loss_of_all(told):
    _, member = told(KafkaError._TRANSPORT)
    assert member.not_ready == AWAITED


@pytest.mark.parametrize(
    ("answers", "told_so", "fix"),
    [
        (True, "A broker answers, and does not tell where the group of t stands", "0011"),
        (False, "The broker could not be asked where the group of t stands", "Bring the broker"),
    ],
)
def test_a_broker_that_keeps_the_offsets_to_itself_is_told_from_one_that_is_lost(
    answers, told_so, fix
):
    consumer, timed_out = MagicMock(), KafkaException(KafkaError(KafkaError._TIMED_OUT))
    consumer.committed.side_effect = timed_out
    consumer.list_topics.side_effect = None if answers else timed_out
    member = assignment(lambda _: consumer, patience_s=0.0)
    member.join()
    consumer.subscribe.call_args.kwargs["on_assign"](consumer, [TopicPartition("t", 0)])
    with pytest.raises(HeadraceError, match=told_so) as ended:
        member.settle()
    assert fix in ended.value.fix
