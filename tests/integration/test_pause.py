"""Too many dead letters: scoring pauses itself, says so, and goes on when somebody releases it."""

import getpass

import pytest

from support.running import scoring
from support.use_case import deployed

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]

NO_AVRO = ("card-1", b"no Avro")


@pytest.fixture
def case(stack, use_case, tmp_path):
    with deployed(use_case, tmp_path) as case:
        yield case


def is_paused(service):
    return "too many dead letters" in service.says("/ready")


def processed(case):
    return sum(case.committed().values())


def test_a_run_of_dead_letters_pauses_scoring_until_it_is_released_even_over_a_restart(case):
    few = {"HEADRACE_DEAD_LETTER_RUN": 5}
    case.publish([*case.transactions(0, 3), *[NO_AVRO] * 9, *case.transactions(3, 5)])
    with scoring(case, ready=False, **few) as service:
        service.until(lambda: is_paused(service))
        answer = service.ask("/ready")
        why = "paused (too many dead letters: 6 of the latest 9 records, 6 in a row)"
        assert answer.status_code == 503
        assert answer.json()["why_not"] == f"{why}; release it by: headrace release scoring"
        assert service.ask("/live").status_code == 200
        assert service.metrics()["headrace_paused"] == 1
        assert processed(case) == 3 + 6
        assert service.stop() == 0
    with scoring(case, ready=False, **few) as service:
        service.until(lambda: is_paused(service))
        case.publish(case.transactions(8, 2))
        told = case.headrace("ready", "scoring", "--address", service.address, charter=False)
        assert told.returncode == 1
        assert "too many dead letters" in told.stderr
        assert processed(case) == 3 + 6
        released = case.headrace("release", "scoring", "--reason", "the sender is mended")
        assert released.returncode == 0, released.stderr
        service.until(case.is_done)
        service.until(service.is_ready)
        assert service.metrics()["headrace_paused"] == 0
        again = case.headrace("release", "scoring")
        assert again.returncode == 1
        assert f"{case.name}.scoring is not paused" in again.stderr
    assert len(case.records("events.dlq")) == 9
    decided = [each["event_id"] for each in case.records("decisions")]
    assert decided == [f"event-{number}" for number in range(10)]
    told = [(each["paused"], each["by"], each["reason"]) for each in case.records("pauses")]
    assert told == [
        (True, "scoring", "too many dead letters: 6 of the latest 9 records, 6 in a row"),
        (False, getpass.getuser(), "the sender is mended"),
    ]
    assert case.headrace("verify").returncode == 0


def test_a_share_of_dead_letters_pauses_scoring_at_the_record_that_passes_it(case):
    shares = {
        "HEADRACE_DEAD_LETTER_RATIO": 0.5,
        "HEADRACE_DEAD_LETTER_WINDOW": 10,
        "HEADRACE_BATCH_RECORDS": 7,
    }
    # Half of the latest ten are dead letters, until the third of three in a row is one more.
    halves = [each for valid in case.transactions(0, 20) for each in (valid, NO_AVRO)]
    case.publish([*halves, *[NO_AVRO] * 3, *case.transactions(20, 5)])
    with scoring(case, ready=False, **shares) as service:
        service.until(lambda: is_paused(service))
        assert "6 of the latest 10 records, 2 in a row" in service.says("/ready")
        assert processed(case) == 40 + 1
        assert case.headrace("release", "scoring").returncode == 0
        service.until(case.is_done)
        service.until(service.is_ready)
    assert len(case.records("events.dlq")) == 23
    assert len(case.records("decisions")) == 25
