"""What a service's process tells of it."""

import pytest

from headrace.chassis import health as module
from headrace.chassis.health import Health
from headrace.chassis.lifecycle import exposition
from headrace.chassis.metrics import Metrics


class Resting:
    """A service that does nothing by itself."""

    def __init__(self):
        self.health = Health("scoring")
        self.metrics = Metrics("scoring")

    def run(self): ...

    def stop(self): ...


@pytest.fixture
def service():
    return Resting()


def told(service):
    lines = exposition(service).decode().splitlines()
    return {
        name: float(value) for name, value in (each.split() for each in lines if each[0] != "#")
    }


def test_metrics_say_whether_it_is_ready(service):
    assert told(service)["headrace_ready"] == 0
    service.health.not_ready = ""
    assert told(service)["headrace_ready"] == 1


def test_metrics_say_that_it_does_not_live_though_its_loop_hangs(service, monkeypatch):
    now = 1_000.0
    monkeypatch.setattr(module, "monotonic", lambda: now)
    service.health.beat()
    assert told(service)["headrace_live"] == 1
    now += 61
    assert told(service)["headrace_live"] == 0
