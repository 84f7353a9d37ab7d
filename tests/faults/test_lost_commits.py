"""A commit about which the broker's answer, or the request itself, is lost on the way."""

from collections.abc import Iterator

import pytest

from faults.conftest import HarmedBroker
from faults.proxy import Lost, Proxy
from faults.seeds import TENTH
from faults.use_case import UseCase
from faults.waiting import PATIENCE_S, until

pytestmark = [pytest.mark.faults, pytest.mark.parametrize("seed", TENTH)]

EVENTS = 3_000
RECOVERED = "headrace_recovered_transactions"
IMPATIENT = {"HEADRACE_TRANSACTION_TIMEOUT_MS": "5000"}
FEW_KEYS_A_BATCH = {"HEADRACE_BATCH_RECORDS": "5"}
LONG_SESSION = {"HEADRACE_SESSION_TIMEOUT_MS": "30000"}


@pytest.fixture
def proxy(harmed: HarmedBroker) -> Iterator[Proxy]:
    with Proxy(harmed.proxy_port, harmed.behind_proxy) as proxy:
        yield proxy


def test_a_commit_whose_answer_is_lost_is_found_done_and_merged_in_the_same_process(
    proxied_case: UseCase, proxy: Proxy, seed: int
) -> None:
    assert _lose(proxied_case, proxy, "answer", seed, 1) == 1


def test_a_commit_whose_request_is_lost_is_found_not_done_and_made_again(
    proxied_case: UseCase, proxy: Proxy, seed: int
) -> None:
    assert _lose(proxied_case, proxy, "request", seed, 0) == 0


def test_a_commit_whose_answer_is_lost_and_the_partitions_with_it_is_restored_and_not_merged(
    proxied_case: UseCase, proxy: Proxy, seed: int
) -> None:
    print(f"seed {seed}")
    case = proxied_case
    case.publish(EVENTS // 2, seed)
    with case.scoring(**IMPATIENT, **FEW_KEYS_A_BATCH) as service:
        proxy.lose("answer", after_commits=150 + seed)
        service.until_said("transaction failed")
        proxy.light_up()  # new producers get through, the group's member is still cut off
        service.until_said("revoked")
        proxy.hang_up()
        case.until_drained()
        assert service.metric('headrace_transactions_total{outcome="failed"}') >= 1
        assert service.stop() == 0
    case.assert_exactly_once()


def _lose(case: UseCase, proxy: Proxy, what: Lost, seed: int, recovered: int) -> float:
    """Return how many transactions the service found committed that had seemed to fail.

    Parameters
    ----------
    recovered
        So many at least are waited for: the service tells of them now and then.
    """
    print(f"seed {seed}")
    case.publish(EVENTS, seed)
    with case.scoring(**IMPATIENT, **LONG_SESSION) as service:
        proxy.lose(what, after_commits=3 + seed)
        assert proxy.dark_since_commit.wait(PATIENCE_S)
        service.until_said("transaction failed")
        proxy.light_up()
        proxy.hang_up()
        case.until_drained()
        until(lambda: service.metric(RECOVERED) >= recovered, "what was recovered is told")
        found = service.metric(RECOVERED)
        assert service.metric('headrace_transactions_total{outcome="failed"}') >= 1
        assert service.stop() == 0
    case.until_all_transactions_end()
    case.assert_exactly_once()
    return found
