"""The demo, as a newcomer runs it; on the stack that the tests have up."""

import json
import os
import signal
import subprocess

import pytest

from headrace.chassis.clients import Clients
from headrace.chassis.settings import KafkaSettings, TelemetrySettings
from support.use_case import PROGRAM

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]

EVENTS = 1_500


def demo(*arguments: str) -> str:
    # 30 traces or so, the sampled events of a batch never more than a batch may record.
    environment = {**os.environ, "OTEL_TRACES_SAMPLER_ARG": "0.02", "NO_COLOR": "1"}
    command = [PROGRAM, "demo", "--events", str(EVENTS), *arguments]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        try:
            said, errors = running.communicate(timeout=900)
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGINT)  # killed, it would leave its services behind
            raise
    assert running.returncode == 0, errors
    return said


@pytest.fixture(scope="module")
def said(stack):
    """What it says to machines."""
    return json.loads(demo("--json", "--no-drift"))


def test_every_event_has_one_fate_and_all_of_it_is_proved(said):
    assert said["holds"]
    assert said["published"] == EVENTS
    assert said["decided"] + said["duplicates"] + said["dead_letters"] == EVENTS
    assert said["verified"]["passed"]


def test_it_times_the_decisions_and_prices_them(said):
    assert 0 < said["latency_p50_ms"] <= said["latency_p99_ms"]
    euros = said["money"]["EUR"]
    assert euros["expected_cost_minor"] < euros["expected_cost_of_approving_all_minor"]


def test_its_example_of_a_trace_is_whole(said):
    if not TelemetrySettings().local_zipkin:
        pytest.skip("a cluster of one's own has no Zipkin of ours")
    services = [step["service"].removeprefix("headrace.") for step in said["trace"]["steps"]]
    assert services[:3] == ["publisher", "scoring", "scoring"]
    readers = set(services[3:])
    assert readers >= {"downstream", "labelling"}, "who reads decisions"
    assert readers <= {"downstream", "labelling", "learning"}, "and where a label leads to"


def test_it_leaves_no_topic_behind(said):
    topics = Clients(KafkaSettings()).admin().list_topics(timeout=10).topics
    assert [name for name in topics if name.startswith(said["use_case"])] == []


def test_it_tells_people_the_story():
    said = demo("--rate", "3000")
    assert f"{EVENTS:,} transactions came" in said
    assert "20 of 20 checks pass" in " ".join(said.split())
    assert "as it was traced" in said
    assert "A drift was switched on" in said
    assert "what to do: docs/runbooks/input.md" in said
    assert "What to try next" in said
