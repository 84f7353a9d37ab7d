"""Partitions that change hands in ways that a random search seldom finds."""

from collections.abc import Iterator

import pytest

from support.fake_kafka import meanwhile
from support.stream_world import World

ONE = [(b"k1", b"{}")]


@pytest.fixture
def world() -> Iterator[World]:
    world = World(partitions=1, batch_records=5)
    with world.alone():
        world.start("a")
        yield world
        world.come_to_rest()
        world.check_what_is_committed()
        world.check_states()


def test_a_partition_that_comes_back_after_others_had_it_is_restored(world: World) -> None:
    """Expelled between giving up and taking over, a member hears of no loss."""
    world.start("b")
    world.publish(ONE)
    for name in "abaa":
        world.step(name, 2)
    assert world.instances["a"].counts(0) == {"k1": 1}
    world.start("c")
    world.step("a")  # gives up its partition and waits for b
    world.instances["a"].clients.expire()
    world.publish(ONE)
    world.step("b", 4)
    assert world.committed() == {0: 2}
    for name in "bc":
        world.kill(name)
    world.publish(ONE)
    world.step("a", 4)
    assert world.outputs(0) == {"k1": [(0, 1), (1, 2), (2, 3)]}


def test_a_member_that_slept_while_it_restored_is_not_alarmed_by_what_others_wrote(
    world: World,
) -> None:
    world.publish(ONE)
    world.step("a", 4)
    world.start("b")
    world.kill("a")
    world.publish(ONE)

    def others_take_over() -> None:
        world.instances["b"].clients.expire(unaware_polls=3)
        world.start("c")
        for _ in range(4):
            world.instances["c"].step()

    world.meet("b", "list_offsets", meanwhile(others_take_over), skip=0, steps=2)
    assert world.committed() == {0: 2}
    world.step("b", 2)
    assert set(world.instances) == {"b", "c"}
