"""Deliveries: signed, recognisable, and tried again where that may help."""

import hmac
from hashlib import sha256

import httpx
import pytest

from headrace.alerting.settings import AlertingSettings
from headrace.alerting.webhook import Webhook, signature, verdict_of
from headrace.errors import HeadraceError
from support.traces import UNTRACED, Remembered, hexadecimal

RECORD = {"alert_id": "model-signals-0-7/1", "change": "opened", "body": '{"version":"4"}'}
TRACEPARENT = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def webhook(answer, telemetry=UNTRACED):
    made = Webhook("http://receiver/alerts", b"key", 1.0, telemetry)
    made._client = httpx.Client(transport=httpx.MockTransport(answer))
    return made


def test_a_delivery_is_signed_and_carries_its_id_and_its_trace():
    seen = []

    def answer(request):
        seen.append(request)
        return httpx.Response(204)

    verdict = webhook(answer)(RECORD, {"traceparent": TRACEPARENT}, 0.0)
    assert verdict.outcome == "delivered"
    [request] = seen
    assert request.content == b'{"version":"4"}'
    assert request.headers["idempotency-key"] == "model-signals-0-7/1"
    assert request.headers["traceparent"].encode() == TRACEPARENT
    when, signed = request.headers["x-headrace-signature"].split(",")
    content = f"{when.removeprefix('t=')}.".encode() + request.content
    assert signed == "v1=" + hmac.new(b"key", content, sha256).hexdigest()


def test_a_signature_is_of_the_time_and_the_body():
    assert signature(b"k", 1, b"a") != signature(b"k", 2, b"a")
    assert signature(b"k", 1, b"a") != signature(b"k", 1, b"b")


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, "delivered"),
        (202, "delivered"),
        (302, "retry"),
        (400, "hopeless"),
        (401, "hopeless"),
        (404, "hopeless"),
        (408, "retry"),
        (429, "retry"),
        (500, "retry"),
        (503, "retry"),
    ],
)
def test_what_is_wrong_with_the_delivery_itself_is_not_tried_again(status, outcome):
    assert verdict_of(status).outcome == outcome


def test_a_receiver_that_does_not_answer_is_tried_again():
    def answer(request):
        raise httpx.ConnectError("refused", request=request)

    assert webhook(answer)(RECORD, {}, 0.0).outcome == "retry"


def test_a_sign_of_life_that_is_too_late_is_not_delivered():
    record = {**RECORD, "change": "watchdog"}
    assert webhook(lambda _: httpx.Response(200))(record, {}, 61.0).outcome == "dropped"
    assert webhook(lambda _: httpx.Response(200))(record, {}, 1.0).outcome == "delivered"


@pytest.mark.parametrize("url", ["receiver/alerts", "ftp://receiver", "https://", "https://h\x00"])
def test_a_webhook_without_an_address_is_refused(url):
    with pytest.raises(HeadraceError, match="URL is none"):
        Webhook(url, b"key", 1.0, UNTRACED)


def test_a_webhook_without_a_secret_is_refused(monkeypatch):
    monkeypatch.setenv("HEADRACE_WEBHOOK_URL", "http://receiver/alerts")
    with pytest.raises(HeadraceError, match="no secret to sign"):
        _ = AlertingSettings().secret


def test_a_secret_may_be_in_a_file_and_is_shown_nowhere(monkeypatch, tmp_path):
    (tmp_path / "key").write_text("from the file\n")
    monkeypatch.setenv("HEADRACE_WEBHOOK_SECRET", "from the environment")
    assert "environment" not in repr(AlertingSettings())
    monkeypatch.setenv("HEADRACE_WEBHOOK_SECRET_FILE", str(tmp_path / "key"))
    assert AlertingSettings().secret == b"from the file"


def test_a_delivery_is_a_span_of_its_signals_trace_and_the_receiver_goes_on_from_it():
    remembered, seen = Remembered(), []

    def answer(request):
        seen.append(request.headers["traceparent"])
        return httpx.Response(500)

    webhook(answer, remembered.telemetry)(RECORD, {"traceparent": TRACEPARENT}, 0.0)
    [span] = remembered.named("deliver alert")
    trace_id, span_id, parent_id = hexadecimal(span)
    assert f"00-{trace_id}-{parent_id}-01".encode() == TRACEPARENT
    assert seen == [f"00-{trace_id}-{span_id}-01"]
    assert span.attributes["headrace.alert"] == "model-signals-0-7/1"
    assert span.status.description == "the receiver answers 500"
