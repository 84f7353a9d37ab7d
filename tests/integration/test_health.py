"""What a running scoring process says of itself: live, ready, how far behind, where time goes."""

import itertools
import json
import socket
import time
import uuid

import pytest

from headrace.simulator.sources import simulated
from support.running import free_port, scoring
from support.use_case import deployed

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]

EVENTS = 3_000
SEEDS = itertools.count(17)  # each one's cards are others


@pytest.fixture(scope="module")
def case(stack, tmp_path_factory):
    name, folder = f"test-{uuid.uuid4().hex[:8]}", tmp_path_factory.mktemp("health")
    with deployed(name, folder) as case:
        yield case


@pytest.fixture(scope="module")
def service(case):
    with scoring(case, HEADRACE_BATCH_RECORDS=5) as service:
        yield service


def publish(case):
    source = simulated(case.charter, case.registry, EVENTS, next(SEEDS))
    case.publish((each.key, each.value) for each in source.publications)


def test_a_ready_process_says_so_to_people_and_to_scripts(case, service):
    live, ready = service.ask("/live"), service.ask("/ready")
    assert (live.status_code, live.json()["ok"]) == (200, True)
    assert live.json()["silent_s"] < 5
    assert (ready.status_code, ready.json()) == (
        200,
        {"service": "scoring", "ok": True, "why_not": ""},
    )
    asked = ("ready", "scoring", "--address", service.address)
    assert case.headrace(*asked, charter=False).stdout == "scoring is ready\n"
    as_json = case.headrace(*asked, "--json", charter=False)
    assert (as_json.returncode, json.loads(as_json.stdout)) == (0, ready.json())


def test_a_process_that_is_not_there_is_not_ready_and_is_waited_for_as_long_as_asked(case):
    began = time.monotonic()
    nobody = f"http://127.0.0.1:{free_port()}"
    asked = ("ready", "scoring", "--address", nobody, "--wait-s", "1")
    told = case.headrace(*asked, charter=False)
    assert told.returncode == 1
    assert f"no answer at {nobody}" in told.stderr
    assert time.monotonic() - began > 1


def test_lag_grows_with_what_waits_and_ends_at_nothing(case, service):
    publish(case)
    service.until(lambda: service.ask("/lag").json()["records"] > 0)
    service.until(lambda: case.is_done() and service.ask("/lag").json()["records"] == 0)
    assert service.ask("/lag").json() == {
        "service": "scoring",
        "ok": True,
        "records": 0,
        "partitions": {"0": 0, "1": 0, "2": 0, "3": 0},
    }
    metrics = service.metrics()
    assert [metrics[f'headrace_lag_records{{partition="{p}"}}'] for p in range(4)] == [0] * 4
    assert metrics["headrace_batch_records_count"] >= EVENTS / 5


def test_the_seconds_of_all_stages_sum_up_to_the_time_that_passed(case, service):
    first, began = stage_seconds(service), time.monotonic()
    publish(case)
    service.until(lambda: time.monotonic() > began + 8)
    second, passed_s = stage_seconds(service), time.monotonic() - began
    print({stage: round(second[stage] - first[stage], 3) for stage in second})
    grown_s = sum(second.values()) - sum(first.values())
    assert grown_s == pytest.approx(passed_s, abs=3)  # a reading is as old as the step under way
    for stage in ("fetch", "decode", "handle", "features", "model", "policy", "encode"):
        assert second[stage] > first[stage]
    for stage in ("produce", "commit", "merge"):
        assert second[stage] > first[stage]


def stage_seconds(service):
    metrics, prefix = service.metrics(), 'headrace_stage_seconds_total{stage="'
    found = {name: value for name, value in metrics.items() if name.startswith(prefix)}
    return {name.removeprefix(prefix).removesuffix('"}'): found[name] for name in found}


def test_metrics_are_in_prometheus_text_format_and_other_paths_are_not_found(service):
    metrics = service.ask("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "# TYPE headrace_records_total counter" in metrics.text
    lost = service.ask("/elsewhere")
    assert (lost.status_code, lost.text) == (404, "try /live, /ready, /lag or /metrics\n")


def test_a_health_port_that_is_taken_is_a_clear_error(case):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with scoring(case, ready=False, HEADRACE_HEALTH_PORT=port) as service:
            assert service.process.wait(120) == 1
    assert f"The health endpoint cannot listen on 127.0.0.1:{port}" in service.errors()
    assert "HEADRACE_HEALTH_PORT" in service.errors()
    assert "Traceback" not in service.errors()


def test_sigterm_ends_it_between_two_batches(case, service):
    publish(case)
    assert service.stop() == 0
    assert '"event":"stopped"' in service.errors()
    assert case.headrace("verify", "--allow-pending").returncode == 0
