"""One event's way, as Zipkin has it."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import httpx

_WAIT_S: Final = 30.0
_ASK_S: Final = 0.2


class Step(NamedTuple):
    """A span of the trace."""

    depth: int
    """How many spans are above it."""
    service: str
    name: str
    began_ms: float
    """After the trace began."""
    took_ms: float


class Traced(NamedTuple):
    """A trace that can be looked at."""

    event_id: str
    page: str
    """Its address."""
    steps: Sequence[Step]
    """Empty where only the page can show them."""

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {**self._asdict(), "steps": [step._asdict() for step in self.steps]}


def steps_of(zipkin: str, trace_id: str, spans: int) -> Sequence[Step]:
    """Return a trace's steps in their order, once that many have arrived.

    Nothing where Zipkin does not have them within a few seconds.
    """
    until = time.monotonic() + _WAIT_S
    while time.monotonic() < until:
        found = _ask(zipkin, trace_id)
        if len(found) >= spans:
            return arranged(found)
        time.sleep(_ASK_S)
    return []


def arranged(spans: Sequence[Mapping[str, Any]]) -> Sequence[Step]:
    """Return Zipkin's spans (API v2) as steps, each below its parent, the earliest first."""
    known = {span["id"] for span in spans}
    began_us = min((_at_us(span) for span in spans), default=0)
    steps: list[Step] = []

    def add(parent: str | None, depth: int) -> None:
        children = [s for s in spans if _parent(s, known) == parent]
        for span in sorted(children, key=_at_us):
            service = span.get("localEndpoint", {}).get("serviceName", "")
            name, after_ms = span.get("name", ""), (_at_us(span) - began_us) / 1_000
            steps.append(Step(depth, service, name, after_ms, span.get("duration", 0) / 1_000))
            add(span["id"], depth + 1)

    add(None, 0)
    return steps


def _at_us(span: Mapping[str, Any]) -> int:
    at_us: int = span.get("timestamp", 0)
    return at_us


def _parent(span: Mapping[str, Any], known: set[str]) -> str | None:
    parent: str | None = span.get("parentId")
    return parent if parent in known else None


def _ask(zipkin: str, trace_id: str) -> Sequence[Mapping[str, Any]]:
    try:
        answer = httpx.get(f"{zipkin}/api/v2/trace/{trace_id}", timeout=2.0, trust_env=False)
        spans: Sequence[Mapping[str, Any]] = answer.json() if answer.is_success else []
    except (httpx.HTTPError, ValueError):
        return []
    return spans
