"""A broker that is stopped may never tell the group's offsets of a commit that it acknowledged.

From then on it does not tell what the group has committed: a transaction seems to be open.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka import KafkaError

from headrace.errors import HeadraceError
from support.fake_kafka import crash_after, crash_before, refuse
from support.fake_kafka.errors import failure, fenced, requires_abort
from support.fake_kafka.faults import Behaviour, Operation
from support.stream_world import World

INVALID = requires_abort(KafkaError.INVALID_TXN_STATE, "planned")
AWAY = failure(KafkaError._TRANSPORT, "planned")
BY_PARTITION = (b"k5", b"k1")
"""A key of each partition."""
EXPIRY_S = 20
"""For so long a transaction may really be open."""
A_CALL_S = 6
"""What a call that is not answered takes, and what is around it."""
ENDING: list[Operation] = [
    "init_transactions",
    "begin_transaction",
    "send_offsets_to_transaction",
    "abort_transaction",
]
"""The calls that end what seems to go on."""
NEVER = (
    r"the end of a transaction is missing from the offsets of the group that reads world\.inputs"
)


@pytest.fixture
def world() -> Iterator[World]:
    world = World(partitions=2, batch_records=10)
    with world.alone():
        world.start("a")
        for partition in (0, 1):
            commit(world, partition)
        yield world


@pytest.fixture
def stood(world: World, monkeypatch: pytest.MonkeyPatch) -> list[dict[int, int]]:
    """Return where the group stood after each change of its offsets."""
    stood: list[dict[int, int]] = []
    offsets = world.kafka.transactions.offsets

    def noted(change: Callable[..., None]) -> Callable[..., None]:
        def make(*args: Any, **kwargs: Any) -> None:
            change(*args, **kwargs)
            stood.append(world.committed())

        return make

    for name in ("commit", "end"):
        monkeypatch.setattr(offsets, name, noted(getattr(offsets, name)))
    return stood


def publish(world: World, partition: int, records: int = 3) -> None:
    world.publish([(BY_PARTITION[partition], b"{}")] * records)


def commit(world: World, partition: int) -> None:
    publish(world, partition)
    world.step("a", 6)


def commit_unmarked(world: World, partition: int) -> None:
    """Let a batch be committed and its marker be lost."""
    fail(world, partition, world.kafka.lose_marker)


def fail(
    world: World, partition: int, behaviour: Behaviour, operation: Operation = "commit_transaction"
) -> None:
    """Let a call of a batch's transaction go wrong."""
    publish(world, partition)
    meet(world, operation, behaviour)


def meet(world: World, operation: Operation, behaviour: Behaviour) -> None:
    """Let the stream go on until a call goes wrong."""
    world.kafka.faults.plan(operation, behaviour)
    while world.kafka.faults.pending():
        world.instances["a"].step()


def wait(world: World, seconds: float) -> None:
    """Let time pass, most of it in calls that the broker does not answer."""
    end_ms = world.kafka.now_ms + seconds * 1_000
    while world.kafka.now_ms < end_ms:
        world.step("a")
        world.kafka.pass_time(0.1)


def assert_exactly_once(world: World) -> None:
    world.come_to_rest()
    world.check_what_is_committed()
    world.check_states()


def test_a_lost_marker_is_made_up_for_and_every_input_counts_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    commit_unmarked(world, 0)
    fail(world, 0, refuse(INVALID))
    assert world.committed()[0] == 3  # six are decided
    wait(world, EXPIRY_S + A_CALL_S)
    assert world.committed()[0] == 9
    assert_exactly_once(world)
    assert caplog.text.count("mending: the end of a transaction is missing; committing {0: 6}") == 1


def test_it_waits_as_long_as_a_transaction_may_really_be_open(world: World) -> None:
    commit_unmarked(world, 0)
    fail(world, 0, refuse(INVALID))
    wait(world, EXPIRY_S - A_CALL_S)
    assert world.committed()[0] == 3


def test_without_a_failure_the_next_marker_of_the_producer_makes_up_for_it(world: World) -> None:
    commit_unmarked(world, 0)
    commit(world, 1)
    assert world.committed() == {0: 3, 1: 6}
    commit(world, 1)
    assert world.committed() == {0: 6, 1: 9}
    assert_exactly_once(world)


def test_the_group_is_never_moved_back(world: World, stood: list[dict[int, int]]) -> None:
    commit_unmarked(world, 0)
    commit(world, 0)  # by the other producer, and further on
    assert world.committed()[0] == 9
    fail(world, 0, refuse(fenced("planned")), "produce")  # before it reached the offsets
    wait(world, EXPIRY_S + A_CALL_S)
    assert_exactly_once(world)
    assert [each[0] for each in stood] == [9, 9, 9, 12]


def test_the_markers_of_both_producers_may_be_lost(world: World) -> None:
    commit_unmarked(world, 0)
    commit_unmarked(world, 1)
    fail(world, 0, refuse(fenced("planned")), "produce")
    assert world.committed() == {0: 3, 1: 3}
    wait(world, EXPIRY_S + A_CALL_S)
    assert world.committed() == {0: 9, 1: 6}
    assert_exactly_once(world)


def test_what_a_later_abort_has_undone_is_put_right(
    world: World, stood: list[dict[int, int]]
) -> None:
    commit_unmarked(world, 0)
    commit(world, 1)
    fail(world, 1, refuse(INVALID))  # of the first producer again: its abort takes the rest along
    assert world.committed() == {0: 3, 1: 6}
    world.step("a")
    assert world.committed() == {0: 6, 1: 6}
    assert_exactly_once(world)


def test_what_cannot_be_put_right_yet_is_waited_for(world: World) -> None:
    commit_unmarked(world, 0)
    commit(world, 1)
    fail(world, 1, refuse(INVALID))
    meet(world, "commit", refuse(AWAY))
    assert not world.instances["a"].settled()
    assert_exactly_once(world)


@pytest.mark.parametrize("operation", ENDING[1:])
@pytest.mark.parametrize("error", [INVALID, fenced("planned"), AWAY])
def test_mending_may_fail_and_nothing_is_undone(
    world: World, operation: Operation, error: Exception
) -> None:
    commit_unmarked(world, 0)
    fail(world, 0, refuse(INVALID))
    meet(world, operation, refuse(error))
    assert world.committed()[0] == 6
    assert_exactly_once(world)


def test_a_commit_that_is_refused_is_tried_again_later(world: World) -> None:
    commit_unmarked(world, 0)
    fail(world, 0, refuse(INVALID))
    meet(world, "commit", refuse(AWAY))
    wait(world, EXPIRY_S - A_CALL_S)
    assert world.committed()[0] == 3
    wait(world, 2 * A_CALL_S)
    assert world.committed()[0] == 9
    assert_exactly_once(world)


def test_after_a_rebalance_it_may_not_mend_and_says_so_in_the_end(world: World) -> None:
    commit_unmarked(world, 0)
    world.instances["a"].clients.expire()
    with pytest.raises(HeadraceError, match=NEVER) as raised:
        wait(world, 100)
    assert "A restart does not mend it" in raised.value.fix
    assert world.committed()[0] == 3


def test_a_new_process_may_not_mend_and_says_so_in_the_end(world: World) -> None:
    commit_unmarked(world, 0)
    world.kill("a")
    world.start("a")
    with pytest.raises(HeadraceError, match=NEVER):
        wait(world, 100)
    assert world.committed()[0] == 3


def test_a_commit_of_which_nobody_knows_is_not_mended(world: World) -> None:
    def lose_all(act: Callable[[], Any]) -> Any:
        world.kafka.lose_marker(act)
        raise fenced("planned")

    fail(world, 0, lose_all)
    with pytest.raises(HeadraceError, match=NEVER):
        wait(world, 100)
    assert world.committed()[0] == 3


@pytest.mark.parametrize("crash", [crash_before(), crash_after()])
@pytest.mark.parametrize("operation", ["commit", *ENDING])
def test_killed_while_it_mends_it_leaves_the_group_no_further_back(
    world: World, operation: Operation, crash: Behaviour, stood: list[dict[int, int]]
) -> None:
    commit_unmarked(world, 0)
    fail(world, 0, refuse(INVALID))
    meet(world, operation, crash)
    world.kafka.expire_transactions()
    world.kafka.find_markers()
    assert world.committed()[0] == 6
    assert stood == sorted(stood, key=lambda each: each[0])
    world.kill("a")
    assert_exactly_once(world)


def test_while_the_broker_is_away_nothing_is_said_of_markers(world: World) -> None:
    commit_unmarked(world, 0)
    fail(world, 0, refuse(INVALID))

    def go_on() -> None:
        while True:
            for _ in range(2):  # stable, or as it stands
                world.kafka.faults.plan("committed", refuse(AWAY))
            world.step("a")
            world.kafka.pass_time(1)

    with pytest.raises(HeadraceError, match="The broker could not be asked"):
        go_on()
