"""A registry that is away: a clear error at the start; later, known schemas go on being read."""

import signal
import time
from urllib.parse import urlsplit, urlunsplit

import pytest

from support.forwarder import Forwarder
from support.running import free_port, scoring, until
from support.use_case import deployed

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]

UNKNOWN_ID = 0x7FFF_FFF0
FRAMING = 5


@pytest.fixture
def case(stack, use_case, tmp_path):
    with deployed(use_case, tmp_path) as case:
        yield case


@pytest.fixture
def forwarder(stack):
    with Forwarder(urlsplit(stack.registry_url).port) as forwarder:
        yield forwarder


def moved(url, port):
    """Return the address at another port of this machine."""
    return urlunsplit(urlsplit(url)._replace(netloc=f"127.0.0.1:{port}"))


def test_a_registry_that_is_down_at_the_start_is_a_clear_error(case, stack):
    nowhere = moved(stack.registry_url, free_port())
    with scoring(case, ready=False, SCHEMA_REGISTRY_URL=nowhere) as service:
        assert service.process.wait(120) == 1
    errors = service.errors()
    assert f"error: The schema registry at {nowhere} does not answer" in " ".join(errors.split())
    assert "SCHEMA_REGISTRY_URL" in errors
    assert "Traceback" not in errors


def test_what_was_read_before_is_read_on_while_the_registry_is_away(case, stack, forwarder):
    address = moved(stack.registry_url, forwarder.port)
    with scoring(case, SCHEMA_REGISTRY_URL=address) as service:
        case.publish(case.transactions(0, 10))
        service.until(case.is_done)
        forwarder.cut()
        case.publish(case.transactions(10, 10))
        service.until(case.is_done)
        assert service.is_ready()
    assert len(case.records("decisions")) == 20


def test_an_unknown_schema_is_waited_for_while_nobody_can_be_asked_and_nothing_is_lost(
    case, stack, forwarder
):
    address = moved(stack.registry_url, forwarder.port)
    with scoring(case, SCHEMA_REGISTRY_URL=address) as service:
        case.publish(case.transactions(0, 10))
        service.until(case.is_done)
        forwarder.cut()
        ((key, value),) = case.transactions(10, 1)
        unknown = value[:1] + UNKNOWN_ID.to_bytes(4) + value[FRAMING:]
        (place,) = case.publish([(key, unknown)])
        case.publish(case.transactions(11, 10))
        service.until(lambda: "waiting for the registry" in service.says("/ready"))
        end = time.monotonic() + 3
        while time.monotonic() < end:
            assert service.ask("/ready").status_code == 503
            assert service.ask("/live").status_code == 200
        assert case.committed()[place[0]] <= place[1]
        assert case.records("events.dlq") == []
        forwarder.mend()
        service.until(case.is_done)
        service.until(service.is_ready)
    (letter,) = case.records("events.dlq")
    assert (letter["reason"], letter["value"]) == ("unknown_schema", unknown)
    decided = [each["event_id"] for each in case.records("decisions")]
    assert decided == [f"event-{number}" for number in range(21) if number != 10]
    assert case.headrace("verify").returncode == 0


def test_neither_a_restore_nor_a_pause_needs_the_registry(case, stack, forwarder):
    settings = {
        "SCHEMA_REGISTRY_URL": moved(stack.registry_url, forwarder.port),
        "HEADRACE_SESSION_TIMEOUT_MS": 3_000,
        "HEADRACE_DEAD_LETTER_RUN": 5,
    }
    with scoring(case, **settings) as service:
        case.publish(case.transactions(0, 10))
        service.until(case.is_done)
        forwarder.cut()
        service.process.send_signal(signal.SIGSTOP)
        until(lambda: not members(case), 30)
        service.process.send_signal(signal.SIGCONT)
        case.publish(case.transactions(10, 10))
        service.until(case.is_done)
        assert service.errors().count("restored [0, 1, 2, 3]") >= 2
        case.publish([("card-1", b"no Avro")] * 10)
        service.until(lambda: "too many dead letters" in service.says("/ready"))
        service.until(lambda: "released" not in service.says("/ready"), 3)
    counts = [each["features"][1] for each in case.records("decisions")]
    assert counts == list(range(1, 21))


def members(case):
    """Return the members of the group."""
    admin = case.clients.admin()
    return admin.describe_consumer_groups([case.group])[case.group].result().members
