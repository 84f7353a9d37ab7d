"""One trace goes from the publisher through scoring to whoever reads the decision."""

import json
import os
import uuid

import httpx
import pytest

from headrace.chassis.settings import TelemetrySettings
from headrace.chassis.telemetry import telemetry
from headrace.demo.trace import steps_of
from headrace.trials.watch import Watch
from support.collector import collecting
from support.running import scoring, until
from support.use_case import deployed, transaction

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]

EVENTS = 300


@pytest.fixture(scope="module")
def case(stack, tmp_path_factory):
    name, folder = f"test-{uuid.uuid4().hex[:8]}", tmp_path_factory.mktemp("traces")
    with deployed(name, folder, {'within = "2s"': 'within = "3600s"'}) as case:
        yield case


@pytest.fixture(scope="module")
def zipkin():
    address = TelemetrySettings().local_zipkin
    if not address:
        pytest.skip("a cluster of one's own has no Zipkin of ours")
    return address


def watched(case, until_all):
    """Read the decisions as an application would that tells of it."""
    seen = []
    with telemetry("test.downstream") as traced:
        decode = case.decode
        with Watch(
            case.clients,
            case.topic("decisions"),
            4,
            decode,
            lambda decisions, _: seen.extend(decisions),
            traced,
        ):
            until(lambda: until_all(seen), 60)
    return seen


@pytest.fixture(scope="module")
def traced(case, zipkin):
    """Publish, decide and read some events; return a decision whose trace is recorded."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("OTEL_TRACES_SAMPLER_ARG", "0.05")  # 15 or so: no batch has too many
        published = case.headrace("publish", "--simulate", str(EVENTS), "--json")
        assert published.returncode == 0, published.stderr
        with scoring(case) as service:
            service.until(case.is_done)
            assert service.stop() == 0
        decided = len(case.records("decisions"))
        decisions = watched(case, lambda seen: len(seen) >= decided)
    with_trace = [decision for decision in decisions if decision["trace_id"]]
    assert 0 < len(with_trace) < len(decisions)  # some are sampled, others are not
    return with_trace[0]


def test_the_trace_is_in_zipkin_from_the_publisher_to_the_consumer(case, zipkin, traced):
    steps = steps_of(zipkin, traced["trace_id"], spans=4)
    assert [(step.depth, step.service, step.name) for step in steps] == [
        (0, "headrace.publisher", f"send {case.name}.events"),
        (1, "headrace.scoring", f"process {case.name}.events"),
        (2, "headrace.scoring", f"send {case.name}.decisions"),
        (3, "test.downstream", f"process {case.name}.decisions"),
    ]


def test_its_span_says_what_was_decided_and_names_the_batchs_trace(case, zipkin, traced):
    spans = httpx.get(f"{zipkin}/api/v2/trace/{traced['trace_id']}").json()
    (span,) = [each for each in spans if each["name"] == f"process {case.name}.events"]
    tags = span["tags"]
    assert tags["headrace.decision_id"] == traced["decision_id"]
    assert tags["headrace.action"] == traced["action"]
    assert tags["messaging.kafka.offset"] == str(traced["source_offset"])
    (batch,) = httpx.get(f"{zipkin}/api/v2/trace/{tags['headrace.batch']}").json()
    assert batch["name"] == f"process batch {case.name}.events"
    assert int(batch["tags"]["headrace.decode_us"]) > 0


def test_explain_says_where_the_trace_is(case, zipkin, traced):
    told = case.headrace("explain", traced["event_id"]).stdout
    assert f"  {zipkin}/zipkin/traces/{traced['trace_id']}\n" in told
    told_json = json.loads(case.headrace("explain", traced["event_id"], "--json").stdout)
    assert told_json["arrivals"][0]["decision"]["trace_id"] == traced["trace_id"]


def test_spans_go_to_any_collector_and_log_lines_name_theirs(case):
    event = transaction()
    with (
        collecting() as collector,
        scoring(case, **collector.environment, HEADRACE_DEAD_LETTER_RUN=1) as service,
    ):
        decided, broken = ("card-1", case.encoder("events")(event)), ("card-1", b"broken")
        case.publish([decided, broken, broken])
        service.until(lambda: "paused: too many dead letters" in service.errors())
        assert service.stop() == 0
    spans = {span.name: span for span in collector.spans()}
    process = spans[f"process {case.name}.events"]
    assert process.trace_id == spans[f"send {case.name}.events.dlq"].trace_id
    assert process.status.message == "bad_framing"
    line = next(
        json.loads(line) for line in service.errors().splitlines() if '"paused: too' in line
    )
    batch = spans[f"process batch {case.name}.events"]
    assert (line["trace_id"], line["span_id"]) == (batch.trace_id.hex(), batch.span_id.hex())
    assert case.headrace("release", "scoring").returncode == 0


def test_a_collector_that_is_away_stops_nobody(case):
    with scoring(
        case,
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9",  # nobody listens there
        OTEL_TRACES_SAMPLER="always_on",
    ) as service:
        encode = case.encoder("events")
        case.publish([("card-1", encode(transaction())) for _ in range(1_500)])
        service.until(case.is_done)
        assert service.stop() == 0  # long before the exporter would give up
    assert service.errors().count("traces: ") <= 2
    assert "Traceback" not in service.errors()


def test_an_exporter_that_is_not_there_is_told_before_anything_starts(case):
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("OTEL_TRACES_EXPORTER", "nowhere")
        done = case.headrace("run", "scoring")
    assert done.returncode == 1
    assert "OTEL_TRACES_EXPORTER names 'nowhere'" in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_is_traced_where_that_is_switched_off(case):
    with collecting() as collector:
        environment = {**os.environ, **collector.environment, "OTEL_SDK_DISABLED": "true"}
        with scoring(case, **environment) as service:
            case.publish([("card-1", case.encoder("events")(transaction()))])
            service.until(case.is_done)
            assert service.stop() == 0
    assert collector.bodies == []
