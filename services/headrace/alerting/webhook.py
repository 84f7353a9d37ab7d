"""Delivering alerts to a webhook: signed, with the id by which a repeat is recognised."""

import hmac
import time
from collections.abc import Mapping
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final

import httpx

from headrace.chassis.forwarding import Verdict
from headrace.chassis.telemetry import Telemetry, Told
from headrace.chassis.tracing import Trace
from headrace.errors import HeadraceError

SIGNATURE: Final = "X-Headrace-Signature"
IDEMPOTENCY_KEY: Final = "Idempotency-Key"
WATCHDOG_STALE_S: Final = 60.0
"""A sign of life so old says nothing any more."""
_URL_FIX: Final = "Set HEADRACE_WEBHOOK_URL to where alerts go, as in https://alerts.example/hook"
_PASSING: Final = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)


def signature(secret: bytes, time_s: int, body: bytes) -> str:
    """Return the signature of a delivery: of its time and its body, by HMAC-SHA256.

    A receiver computes it again with the secret, and refuses what is old: then nobody can send
    again what was once overheard.
    """
    digest = hmac.new(secret, str(time_s).encode() + b"." + body, sha256).hexdigest()
    return f"t={time_s},v1={digest}"


class Webhook:
    """Delivers alerts.

    Parameters
    ----------
    url, secret
        Where to, and what deliveries are signed with.
    timeout_s
        How long an answer is waited for.
    telemetry
        Where the spans of deliveries are written.

    Raises
    ------
    HeadraceError
        The URL is none.
    """

    def __init__(self, url: str, secret: bytes, timeout_s: float, telemetry: Telemetry) -> None:
        self._url = _checked(url)
        self._secret = secret
        self._telemetry = telemetry
        self._client = httpx.Client(timeout=timeout_s)

    def __call__(
        self, record: Mapping[str, Any], headers: Mapping[str, bytes | None], age_s: float
    ) -> Verdict:
        """Try once to deliver an ``AlertRaised``."""
        if record["change"] == "watchdog" and age_s > WATCHDOG_STALE_S:
            return Verdict("dropped", "a sign of life that is too late")
        trace = self._telemetry.sampler.of(list(headers.items()))
        began_ns = time.time_ns()
        verdict = self._post(record, trace)
        if trace is not None and trace.is_recorded:
            self._tell(trace, record, began_ns, verdict)
        return verdict

    def _post(self, record: Mapping[str, Any], trace: Trace | None) -> Verdict:
        body = record["body"].encode()
        headers = {
            "Content-Type": "application/json",
            SIGNATURE: signature(self._secret, int(time.time()), body),
            IDEMPOTENCY_KEY: record["alert_id"],
        }
        if trace is not None:
            carried = trace.headers(trace.span_id)
            headers |= {name: _text(value) for name, value in carried}
        try:
            answer = self._client.post(self._url, content=body, headers=headers)
        except httpx.HTTPError as error:
            return Verdict("retry", f"{type(error).__name__}: {error}")
        return verdict_of(answer.status_code)

    def _tell(
        self, trace: Trace, record: Mapping[str, Any], began_ns: int, verdict: Verdict
    ) -> None:
        attributes = {"headrace.alert": record["alert_id"], "headrace.outcome": verdict.outcome}
        error = "" if verdict.outcome == "delivered" else verdict.why
        self._telemetry.write(
            Told(
                "deliver alert",
                "producer",
                trace.ids,
                trace.parent_id,
                began_ns,
                time.time_ns(),
                attributes,
                error=error,
            )
        )


def _checked(url: str) -> httpx.URL:
    """Return where alerts go: found out when the service starts, not at the first alert."""
    try:
        checked = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise HeadraceError(f"The webhook's URL is none: {error}.", fix=_URL_FIX) from error
    if checked.scheme not in ("http", "https") or not checked.host:
        raise HeadraceError(f"The webhook's URL is none: {url}.", fix=_URL_FIX)
    return checked


def verdict_of(status: int) -> Verdict:
    """Return what an answer says: what is wrong with the delivery itself is not tried again."""
    if status < HTTPStatus.MULTIPLE_CHOICES:
        return Verdict("delivered")
    is_refused = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    if is_refused and status not in _PASSING:
        return Verdict("hopeless", f"the receiver answers {status}")
    return Verdict("retry", f"the receiver answers {status}")


def _text(value: str | bytes | None) -> str:
    return value.decode() if isinstance(value, bytes) else value or ""
