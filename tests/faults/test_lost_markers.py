"""A broker that answered that a transaction is committed, and never told the group's offsets."""

import pytest

from faults.conftest import HarmedBroker
from faults.markers import lose_last_marker
from faults.seeds import TENTH
from faults.use_case import UseCase

pytestmark = [pytest.mark.faults, pytest.mark.parametrize("seed", TENTH)]

EVENTS = 1_000
LONG_SESSION = {"HEADRACE_SESSION_TIMEOUT_MS": "300000"}  # longer than the broker is away
SHORT_TRANSACTIONS = {"HEADRACE_TRANSACTION_TIMEOUT_MS": "2000"}


def test_the_process_that_committed_mends_it(
    harmed_case: UseCase, harmed: HarmedBroker, seed: int
) -> None:
    print(f"seed {seed}")
    case = harmed_case
    case.publish(EVENTS, seed)
    with case.scoring(**LONG_SESSION, **SHORT_TRANSACTIONS) as service:
        case.until_drained()
        case.pause()
        service.until_paused()
        case.publish(EVENTS, seed + 1)
        harmed.broker.process.stop()
        _start_without_last_marker(harmed)
        assert not case.tells_what_is_committed()
        case.release()  # so that it asks where the group stands
        case.until_drained()
        assert service.said("mending: ")
        assert service.stop() == 0
    assert case.open_transactions() == []
    case.assert_exactly_once()


def test_a_process_that_cannot_know_says_what_is_the_matter_and_decides_nothing(
    harmed_case: UseCase, harmed: HarmedBroker, seed: int
) -> None:
    print(f"seed {seed}")
    case = harmed_case
    case.publish(EVENTS, seed)
    with case.scoring() as service:
        case.until_drained()
        decided = case.ends("decisions")
        harmed.broker.process.stop()
        service.kill()
    _start_without_last_marker(harmed)
    case.publish(EVENTS, seed + 1)
    with case.scoring(HEADRACE_SETTLE_TIMEOUT_S="15", **SHORT_TRANSACTIONS) as service:
        assert service.ended() != 0
        assert service.said("the end of a transaction is missing from the offsets of the group")
    assert case.ends("decisions") == decided


def _start_without_last_marker(harmed: HarmedBroker) -> None:
    lose_last_marker(harmed.data)
    harmed.broker.start()
    harmed.broker.wait_ready()
