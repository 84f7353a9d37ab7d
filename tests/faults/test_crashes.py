"""``kill -9`` at six points of the commit protocol; a restart recovers what was under way."""

import signal

import pytest

from faults.crashing import STRUCK
from faults.seeds import EVERY
from faults.use_case import UseCase

pytestmark = [pytest.mark.faults, pytest.mark.parametrize("seed", EVERY)]

EVENTS = 3_000


def test_killed_after_consuming_a_batch_nothing_of_it_is_left_and_it_is_decided_again(
    case: UseCase, seed: int
) -> None:
    _kill_and_restart(case, "after-consume", seed)


def test_killed_after_producing_a_batch_its_records_are_aborted_and_it_is_decided_again(
    case: UseCase, seed: int
) -> None:
    _kill_and_restart(case, "after-produce", seed)


def test_killed_after_sending_the_offsets_they_are_aborted_with_the_batch(
    case: UseCase, seed: int
) -> None:
    _kill_and_restart(case, "after-offsets", seed)


def test_killed_inside_a_commit_the_batch_is_decided_whole_or_not_at_all(
    case: UseCase, seed: int
) -> None:
    _kill_and_restart(case, "inside-commit", seed)


def test_killed_after_a_commit_before_the_merge_the_batch_is_not_decided_again(
    case: UseCase, seed: int
) -> None:
    _kill_and_restart(case, "after-commit", seed)


def test_killed_during_a_restore_the_next_restore_is_whole(case: UseCase, seed: int) -> None:
    print(f"seed {seed}")
    case.publish(EVENTS // 2, seed)
    with case.scoring() as first:
        case.until_drained()
        assert first.stop() == 0
    case.publish(EVENTS // 2, seed + 1_000)
    _struck(case, "during-restore", seed)
    _finish(case)


def _kill_and_restart(case: UseCase, point: str, seed: int) -> None:
    print(f"seed {seed}")
    case.publish(EVENTS, seed)
    _struck(case, point, seed)
    _finish(case)


def _struck(case: UseCase, point: str, seed: int) -> None:
    with case.struck(point, seed) as killed:
        assert killed.ended() == -signal.SIGKILL
        assert killed.said(f"{STRUCK} {point}")


def _finish(case: UseCase) -> None:
    """Have a new process of the same name drain the topic, and hold it all to the promises."""
    with case.scoring() as restarted:
        case.until_drained()
        assert restarted.stop() == 0
    case.until_all_transactions_end()
    case.assert_exactly_once()
