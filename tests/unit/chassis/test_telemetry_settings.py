"""What is traced, and where that goes, as OpenTelemetry's variables say."""

import pytest

from headrace.chassis.settings import TelemetrySettings
from headrace.chassis.telemetry import telemetry
from headrace.errors import HeadraceError


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "HEADRACE_ZIPKIN_PORT", "HEADRACE_TRACE_PAGE"):
        monkeypatch.delenv(name, raising=False)


def settings(monkeypatch, **variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return TelemetrySettings()


def test_the_local_stack_has_its_own_zipkin(monkeypatch):
    found = settings(monkeypatch, HEADRACE_ZIPKIN_PORT="1234")
    assert found.exporters == ["zipkin"]
    assert found.local_zipkin == "http://127.0.0.1:1234"
    assert found.page_of("abc") == "http://127.0.0.1:1234/zipkin/traces/abc"


def test_a_zipkin_elsewhere_is_not_the_local_one(monkeypatch):
    elsewhere = "http://zipkin:9411/api/v2/spans"
    found = settings(monkeypatch, OTEL_EXPORTER_ZIPKIN_ENDPOINT=elsewhere)
    assert found.exporters == ["zipkin"]
    assert (found.local_zipkin, found.page_of("abc")) == ("", "")


def test_with_a_cluster_of_ones_own_nothing_is_sent_unless_asked_for(monkeypatch):
    found = settings(monkeypatch, KAFKA_BOOTSTRAP_SERVERS="kafka:9092")
    assert found.exporters == []
    assert found.page_of("abc") == ""


def test_an_otlp_endpoint_asks_for_it(monkeypatch):
    found = settings(monkeypatch, OTEL_EXPORTER_OTLP_ENDPOINT="http://collector:4318")
    assert [*map(found.entry_point, found.exporters)] == ["otlp_proto_http"]


def test_several_can_be_named_and_none_is_none(monkeypatch):
    assert settings(monkeypatch, OTEL_TRACES_EXPORTER="otlp, console").exporters == [
        "otlp",
        "console",
    ]
    assert settings(monkeypatch, OTEL_TRACES_EXPORTER="none").exporters == []


def test_the_sdk_can_be_switched_off(monkeypatch):
    assert settings(monkeypatch, OTEL_SDK_DISABLED="true").exporters == ()


@pytest.mark.parametrize(
    ("sampler", "rate", "follows_parent"),
    [
        ("", 0.25, True),
        ("parentbased_traceidratio", 0.25, True),
        ("traceidratio", 0.25, False),
        ("always_on", 1.0, False),
        ("parentbased_always_off", 0.0, True),
    ],
)
def test_the_samplers_are_open_telemetrys(monkeypatch, sampler, rate, follows_parent):
    found = settings(monkeypatch, OTEL_TRACES_SAMPLER=sampler, OTEL_TRACES_SAMPLER_ARG="0.25")
    assert (found.rate, found.follows_parent) == (rate, follows_parent)


def test_every_unusable_value_is_named(monkeypatch):
    with pytest.raises(HeadraceError) as raised:
        settings(monkeypatch, OTEL_TRACES_SAMPLER="sometimes", OTEL_TRACES_SAMPLER_ARG="2")
    assert "OTEL_TRACES_SAMPLER:" in raised.value.message
    assert "OTEL_TRACES_SAMPLER_ARG:" in raised.value.message


def test_an_exporter_that_is_not_installed_is_an_error_that_names_those_that_are(monkeypatch):
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "jaeger")
    with pytest.raises(HeadraceError) as raised, telemetry("any"):
        pass
    assert "'jaeger'" in raised.value.message
    assert "otlp" in raised.value.fix


def test_the_page_of_a_trace_can_be_elsewhere(monkeypatch):
    page = "https://traces.example/{trace_id}?view=all"
    found = settings(monkeypatch, HEADRACE_TRACE_PAGE=page)
    assert found.page_of("abc") == "https://traces.example/abc?view=all"
