"""When the stream holds still: paused, waiting for the registry, or refused again and again."""

import orjson
import pytest
from confluent_kafka import KafkaError

from headrace.chassis.metrics import Metrics
from headrace.chassis.pauses import release
from headrace.chassis.settings import StreamSettings
from headrace.chassis.stream import Stream
from headrace.contracts.registry import RegistryUnavailable
from headrace.errors import HeadraceError
from support.counting import CountFormat, CountingHandler
from support.fake_kafka import FakeClients, lose_answer, refuse
from support.fake_kafka.errors import failure, fenced, requires_abort
from support.stream_world import OUTPUTS, TOPOLOGY, World
from support.traces import UNTRACED

GOOD = (b"k", b"{}")
BAD = (b"k", b"\xff")
PAUSES = TOPOLOGY.pauses
INVALID = KafkaError.INVALID_TXN_STATE


@pytest.fixture
def world():
    world = World(partitions=1, batch_records=10)
    with world.alone():
        yield world


@pytest.fixture
def start(world):
    """Start a stream; it is closed in the end."""
    streams = []

    def started(topology=TOPOLOGY, **settings):
        stream = Stream(
            topology,
            CountFormat(),
            [CountingHandler(OUTPUTS)],
            FakeClients(world.kafka, f"process-{len(streams)}"),
            StreamSettings(**{"instance": "a", "dead_letter_run": 2, **settings}),
            Metrics("counting"),
            UNTRACED,
            lambda: world.kafka.now_ms,
        )
        streams.append(stream)
        stream.open()
        return stream

    yield started
    for stream in streams:
        stream.close()


def step(stream, steps=20):
    for _ in range(steps):
        stream.step()


def until_committed(world, stream, offset):
    for _ in range(100):
        if world.committed() == {0: offset}:
            return
        stream.step()
    raise AssertionError(world.committed())


def said(world):
    return [orjson.loads(message.value()) for message in world.kafka.records(PAUSES.topic)]


def let_go(world):
    fact = PAUSES.encode(release("counting", "mended", "ann", world.kafka.now_ms))
    world.publisher.producer().produce(PAUSES.topic, fact, b"counting")


def test_it_pauses_at_exactly_the_record_that_passes_the_limit(world, start):
    world.publish([GOOD, BAD, BAD, BAD, BAD, GOOD])
    stream = start()
    step(stream)
    assert world.committed() == {0: 4}
    assert world.dead(0) == [(offset, "undecodable") for offset in (1, 2, 3)]
    (fact,) = said(world)
    assert (fact["service"], fact["paused"], fact["by"]) == ("counting", True, "counting")
    assert fact["reason"] == "too many dead letters: 3 of the latest 4 records, 3 in a row"
    assert stream.health.not_ready == (
        f"paused ({fact['reason']}); release it by: headrace release counting"
    )


def test_a_release_is_noticed_and_it_counts_anew(world, start):
    world.publish([BAD, BAD, BAD, BAD, BAD, GOOD])
    stream = start()
    step(stream)
    assert world.committed() == {0: 3}
    let_go(world)
    step(stream)
    assert world.committed() == {0: 6}
    assert stream.health.not_ready == ""


def test_it_pauses_again_where_it_does_not_get_better(world, start):
    world.publish([BAD] * 10)
    stream = start()
    for paused_at in (3, 6, 9):
        step(stream)
        assert world.committed() == {0: paused_at}
        let_go(world)
    step(stream)
    assert world.committed() == {0: 10}


def test_a_restart_finds_it_paused(world, start):
    world.publish([BAD] * 5)
    step(start())
    stream = start()
    step(stream)
    assert world.committed() == {0: 3}
    assert stream.health.not_ready.startswith("paused (too many dead letters")


def test_every_instance_pauses_with_the_one_that_found_it(world, start):
    other = start(instance="b")
    step(other)
    world.publish([BAD] * 4)
    step(start())
    step(other)
    assert other.health.not_ready.startswith("paused")


def test_a_pause_whose_commit_is_not_answered_is_a_pause_all_the_same(world, start):
    world.publish([BAD] * 6)
    stream = start(batch_records=3)
    world.kafka.faults.plan("commit_transaction", lose_answer(fenced("planned")))
    step(stream)
    assert world.committed() == {0: 3}
    assert len(said(world)) == 1
    exposed = stream.metrics.exposition().decode()
    assert 'headrace_dead_letters_total{reason="undecodable"} 3.0' in exposed
    assert "headrace_recovered_transactions 1.0" in exposed


def test_a_release_that_comes_before_the_pause_is_noticed_loses_nothing(world, start):
    world.publish([GOOD, BAD, BAD, BAD, GOOD, GOOD, GOOD])
    stream = start()
    until_committed(world, stream, 4)
    let_go(world)
    world.kafka.now_ms += 600  # both are read at the next look at the table
    world.publish([GOOD])
    step(stream, 40)
    assert world.committed() == {0: 8}
    assert world.outputs(0) == world.expected(0, 8).outputs


def test_a_pause_that_is_found_out_after_its_release_is_none(world, start):
    world.publish([BAD] * 3 + [GOOD] * 4)
    stream = start()
    world.kafka.faults.plan("commit_transaction", lose_answer(fenced("planned")))
    until_committed(world, stream, 3)
    world.kafka.now_ms += 600
    step(stream, 5)
    assert stream.health.not_ready.startswith("paused")
    let_go(world)
    world.kafka.now_ms += 600
    step(stream, 40)
    assert (world.committed(), stream.health.not_ready) == ({0: 7}, "")


INPUT = TOPOLOGY.inputs[0].channel


def known_to(registry):
    """The topology whose records are decoded by a registry."""
    channel = INPUT._replace(decode=registry.decode)
    return TOPOLOGY._replace(inputs=[TOPOLOGY.inputs[0]._replace(channel=channel)])


class Registry:
    """Knows what ``{"new": true}`` is written with, as long as it is there."""

    away = False

    def decode(self, value):
        record = INPUT.decode(value)
        if self.away and record.get("new"):
            raise RegistryUnavailable("the registry is away")
        return record


def test_while_nobody_can_tell_a_schema_it_waits_and_is_not_ready_and_loses_nothing(world, start):
    registry = Registry()
    topology = known_to(registry)
    stream = start(topology)
    world.publish([GOOD] * 3)
    step(stream)
    registry.away = True
    world.publish([GOOD, (b"k", b'{"new": true}'), GOOD])
    step(stream)
    assert world.committed() == {0: 3}
    for _ in range(100):
        stream.step()
        assert stream.health.not_ready == "waiting for the registry"
    assert world.committed() == {0: 3}
    registry.away = False
    step(stream)
    assert (world.committed(), stream.health.not_ready) == ({0: 6}, "")
    assert world.outputs(0) == {"k": [(offset, offset + 1) for offset in range(6)]}


def test_a_process_that_slept_past_the_wait_for_the_registry_loses_nothing(world, start):
    registry = Registry()
    stream = start(known_to(registry))
    registry.away = True
    world.publish([GOOD, (b"k", b'{"new": true}'), GOOD])
    while "registry" not in stream.health.not_ready:
        stream.step()
        world.kafka.now_ms += 600
    world.kafka.now_ms += 1_500
    registry.away = False
    world.publish([GOOD] * 2)
    step(stream, 40)
    assert world.committed() == {0: 5}
    assert [offset for offset, _ in world.outputs(0)["k"]] == [0, 1, 2, 3, 4]


def test_what_is_known_is_read_on_while_the_registry_is_away(world, start):
    registry = Registry()
    topology = known_to(registry)
    stream = start(topology)
    registry.away = True
    world.publish([GOOD] * 3)
    step(stream)
    assert (world.committed(), stream.health.not_ready) == ({0: 3}, "")


def test_a_transaction_that_is_refused_once_is_tried_again(world, start):
    stream = start()
    world.publish([GOOD] * 3)
    world.kafka.faults.plan("commit_transaction", refuse(requires_abort(INVALID, "planned")))
    step(stream)
    assert world.committed() == {0: 3}
    assert world.outputs(0) == {"k": [(0, 1), (1, 2), (2, 3)]}


def test_transactions_that_are_refused_for_long_end_the_process_with_the_brokers_reason(
    world, start
):
    stream, began_ms = start(settle_timeout_s=30), world.kafka.now_ms
    world.publish([GOOD] * 3)
    world.kafka.max_message_bytes[OUTPUTS] = 1

    def go_on_for_ever():
        while world.kafka.now_ms < began_ms + 100_000:
            stream.step()
            world.kafka.now_ms += 1_000

    with pytest.raises(HeadraceError, match="No transaction has succeeded for 30 s"):
        go_on_for_ever()
    assert world.committed() == {0: 0}
    assert world.outputs(0) == {}


def test_refusals_with_successes_between_them_end_nothing(world, start):
    stream = start(settle_timeout_s=30)
    for _ in range(30):
        world.publish([GOOD])
        world.kafka.faults.plan("commit_transaction", refuse(requires_abort(INVALID, "planned")))
        step(stream, 8)
        world.kafka.now_ms += 10_000
    assert world.committed() == {0: 30}


def test_a_stop_while_the_broker_is_away_is_a_quiet_end(world, start, caplog):
    stream = start()
    world.publish([GOOD] * 3)
    while stream._underway is None:
        stream.step()

    def away(_act):
        world.kafka.now_ms += 5_000
        raise failure(KafkaError._TIMED_OUT, "the broker is away", retriable=True)

    for operation in ("commit_transaction", "init_transactions"):
        for _ in range(20):
            world.kafka.faults.plan(operation, away)
    stream.open = lambda: None
    stream.stop()
    stream.run()
    assert stream.health.not_ready == "stopped"
    world.kafka.faults.clear()
