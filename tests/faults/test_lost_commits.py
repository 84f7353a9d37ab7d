"""A commit about which the broker's answer, or the request itself, is lost on the way."""

from collections.abc import Iterator

import pytest

from faults.conftest import HarmedBroker
from faults.proxy import Lost, Proxy
from faults.seeds import TENTH
from faults.use_case import UseCase

pytestmark = [pytest.mark.faults, pytest.mark.parametrize("seed", TENTH)]

EVENTS = 3_000
IMPATIENT = {"HEADRACE_TRANSACTION_TIMEOUT_MS": "3000"}
FEW_KEYS_A_BATCH = {"HEADRACE_BATCH_RECORDS": "5"}
LONG_SESSION = {"HEADRACE_SESSION_TIMEOUT_MS": "30000"}


@pytest.fixture
def proxy(harmed: HarmedBroker) -> Iterator[Proxy]:
    with Proxy(harmed.proxy_port, harmed.behind_proxy) as proxy:
        yield proxy


def test_a_commit_whose_answer_is_lost_is_found_done_and_merged_in_the_same_process(
    proxied_case: UseCase, proxy: Proxy, seed: int
) -> None:
    assert _lose(proxied_case, proxy, "answer", seed, LONG_SESSION) == 1


def test_a_commit_whose_request_is_lost_is_found_not_done_and_made_again(
    proxied_case: UseCase, proxy: Proxy, seed: int
) -> None:
    assert _lose(proxied_case, proxy, "request", seed, LONG_SESSION) == 0


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
        assert service.metric('headrace_transactions_total{outcome="failed"}') == 1
        assert service.stop() == 0
    case.assert_exactly_once()


def _lose(case: UseCase, proxy: Proxy, what: Lost, seed: int, settings: dict[str, str]) -> float:
    """Return how many transactions the service found committed that had seemed to fail."""
    print(f"seed {seed}")
    case.publish(EVENTS, seed)
    with case.scoring(**IMPATIENT, **settings) as service:
        proxy.lose(what, after_commits=3 + seed)
        assert proxy.dark_since_commit.wait(30)
        service.until_said("transaction failed")
        proxy.light_up()
        proxy.hang_up()
        case.until_drained()
        recovered = service.metric("headrace_recovered_transactions")
        assert service.metric('headrace_transactions_total{outcome="failed"}') == 1
        assert service.stop() == 0
    assert case.open_transactions() == []
    case.assert_exactly_once()
    return recovered
