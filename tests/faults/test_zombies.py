"""A process that sleeps past its session while another takes over, and then goes on."""

import pytest

from faults.crashing import AWAKE, STRUCK
from faults.instances import Instance
from faults.seeds import TENTH
from faults.use_case import UseCase

pytestmark = [pytest.mark.faults, pytest.mark.parametrize("seed", TENTH)]

EVENTS = 3_000
AFTERWARDS = 1_000
SHORT_TRANSACTIONS = {"HEADRACE_TRANSACTION_TIMEOUT_MS": "6000"}


def test_a_zombie_that_slept_before_a_poll_commits_nothing_and_works_again(
    case: UseCase, seed: int
) -> None:
    _sleep_and_wake(case, "before-poll", seed)


def test_a_zombie_that_slept_while_it_fetched_throws_the_batch_away_and_works_again(
    case: UseCase, seed: int
) -> None:
    _sleep_and_wake(case, "while-fetching", seed)


def test_a_zombie_that_slept_after_a_poll_fails_to_commit_its_batch_and_works_again(
    case: UseCase, seed: int
) -> None:
    failed = _sleep_and_wake(case, "before-transaction", seed)
    assert failed >= 1


def test_a_zombie_that_is_a_member_again_fails_to_commit_the_batch_of_its_earlier_life(
    case: UseCase, seed: int
) -> None:
    failed = _sleep_and_wake(case, "before-transaction", seed, "--rejoin")
    assert failed >= 1


def test_a_zombie_that_slept_within_its_transaction_fails_to_commit_it_and_works_again(
    case: UseCase, seed: int
) -> None:
    failed = _sleep_and_wake(case, "after-produce", seed)
    assert failed >= 1


def _sleep_and_wake(case: UseCase, point: str, seed: int, *flags: str) -> float:
    """Return how many of the zombie's transactions failed."""
    print(f"seed {seed}")
    case.publish(EVENTS, seed)
    asleep = case.struck(
        point, seed, "--signal", "stop", *flags, instance="zombie", **SHORT_TRANSACTIONS
    )
    with asleep as zombie:
        zombie.until_said(f"{STRUCK} {point}")
        assert case.processed() < EVENTS
        with case.scoring("other", **SHORT_TRANSACTIONS) as other:
            case.until_drained()
            zombie.go_on()
            zombie.until_said(AWAKE)
            _work_together(case, zombie, seed)
            failed = zombie.metric('headrace_transactions_total{outcome="failed"}')
            assert other.stop() == 0
        assert zombie.stop() == 0
    case.until_all_transactions_end()
    case.assert_exactly_once()
    return failed


def _work_together(case: UseCase, zombie: Instance, seed: int) -> None:
    """Wait until both have partitions, and have them decide what is published then."""
    case.until_shared_by(2)
    decided = zombie.metric("headrace_records_total")
    case.publish(AFTERWARDS, seed + 1_000)
    case.until_drained()
    assert zombie.metric("headrace_records_total") > decided
