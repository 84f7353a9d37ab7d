"""What the health endpoint answers, and with which status."""

import socket
import threading

import httpx
import pytest

from headrace.chassis import health as module
from headrace.chassis.health import Health, HealthEndpoint
from headrace.errors import HeadraceError


@pytest.fixture
def health():
    return Health("scoring")


@pytest.fixture
def endpoint(health):
    with HealthEndpoint(
        "127.0.0.1", 0, health, lambda: b"headrace_records_total 3.0\n"
    ) as endpoint:
        yield endpoint


def ask(endpoint, path):
    return httpx.get(endpoint.address + path)


def test_it_is_not_ready_until_it_says_so(endpoint, health):
    answer = ask(endpoint, "/ready")
    assert answer.status_code == 503
    assert answer.json() == {"service": "scoring", "ok": False, "why_not": "starting"}
    health.not_ready = ""
    answer = ask(endpoint, "/ready")
    assert answer.status_code == 200
    assert answer.json() == {"service": "scoring", "ok": True, "why_not": ""}


def test_it_lives_as_long_as_its_loop_turns(endpoint, health, monkeypatch):
    now = 1_000.0
    monkeypatch.setattr(module, "monotonic", lambda: now)
    health.beat()
    now += 59
    answer = ask(endpoint, "/live")
    assert (answer.status_code, answer.json()["silent_s"]) == (200, 59)
    now += 2
    answer = ask(endpoint, "/live")
    assert (answer.status_code, answer.json()["ok"]) == (503, False)
    health.beat()
    assert ask(endpoint, "/live").status_code == 200


def test_lag_is_told_by_partition_and_in_sum(endpoint, health):
    assert ask(endpoint, "/lag").json()["records"] == 0
    health.lag = {0: 3, 2: 4}
    answer = ask(endpoint, "/lag")
    assert answer.status_code == 200
    assert (answer.json()["records"], answer.json()["partitions"]) == (7, {"0": 3, "2": 4})


def test_metrics_are_passed_on(endpoint):
    answer = ask(endpoint, "/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4"
    assert answer.text == "headrace_records_total 3.0\n"


def test_any_other_path_is_not_found_and_told_which_there_are(endpoint):
    answer = ask(endpoint, "/")
    assert answer.status_code == 404
    assert "/ready" in answer.text


def test_a_port_that_is_taken_is_named(health):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(HeadraceError, match=f"cannot listen on 127.0.0.1:{port}") as raised:
            HealthEndpoint("127.0.0.1", port, health, bytes)
    assert "HEADRACE_HEALTH_PORT" in raised.value.fix


def test_when_it_ends_its_port_is_free_and_its_thread_gone(health):
    threads = threading.active_count()
    with HealthEndpoint("127.0.0.1", 0, health, bytes) as endpoint:
        address = endpoint.address
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{address}/live")
    assert threading.active_count() == threads


def test_a_slow_client_keeps_nobody_else_waiting(endpoint):
    with socket.create_connection(("127.0.0.1", int(endpoint.address.rpartition(":")[2]))) as slow:
        slow.sendall(b"GET /rea")
        assert ask(endpoint, "/live").status_code == 200
