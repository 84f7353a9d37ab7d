"""Instances that come and go while events keep coming."""

import pytest

from faults.seeds import TENTH
from faults.use_case import UseCase
from faults.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.parametrize("seed", TENTH)]

A_WHILE = 1_000  # events
SHORT_TRANSACTIONS = {"HEADRACE_TRANSACTION_TIMEOUT_MS": "4000"}


def test_a_second_instance_joins_and_leaves_under_load(case: UseCase, seed: int) -> None:
    _join_and_leave(case, seed, kill=False)


def test_a_second_instance_joins_and_is_killed_under_load(case: UseCase, seed: int) -> None:
    _join_and_leave(case, seed, kill=True)


def test_a_stop_under_load_ends_with_the_batch_committed_and_a_restart_goes_on(
    case: UseCase, seed: int
) -> None:
    print(f"seed {seed}")
    with case.load(seed):
        with case.scoring() as stopped:
            case.until_processed(A_WHILE)
            assert stopped.stop() == 0
        assert case.sharers() == 0
        case.until_all_transactions_end()
        with case.scoring() as restarted:
            case.until_processed(case.processed() + A_WHILE)
            assert restarted.stop() == 0
    with case.scoring() as last:
        case.until_drained()
        assert last.stop() == 0
    case.assert_exactly_once()


def _join_and_leave(case: UseCase, seed: int, *, kill: bool) -> None:
    print(f"seed {seed}")
    with case.scoring("one", **SHORT_TRANSACTIONS) as one:
        with case.load(seed):
            case.until_processed(A_WHILE)
            with case.scoring("two", **SHORT_TRANSACTIONS) as two:
                case.until_shared_by(2)
                until(lambda: two.metric("headrace_records_total") > A_WHILE // 4, "two decides")
                if kill:
                    two.kill()
                else:
                    assert two.stop() == 0
            case.until_processed(case.processed() + A_WHILE)
        case.until_drained()
        assert one.stop() == 0
    case.until_all_transactions_end()
    case.assert_exactly_once()
