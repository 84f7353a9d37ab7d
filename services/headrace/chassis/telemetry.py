"""Spans for OpenTelemetry, written when they are over: what became of them is known then.

Where they go and how many there are is said by OpenTelemetry's own variables (see
:class:`.settings.TelemetrySettings`). Names and attributes follow its conventions for messaging,
https://opentelemetry.io/docs/specs/semconv/messaging/kafka/. No attribute is a record's key, or
any other value that a charter calls personal.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import Final, Literal, NamedTuple

from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from headrace.chassis.settings import TelemetrySettings
from headrace.chassis.tracing import Sampler, SpanIds
from headrace.errors import HeadraceError

Kind = Literal["producer", "consumer", "internal"]
Value = str | bool | int | float

_KINDS: Mapping[Kind, SpanKind] = {
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
    "internal": SpanKind.INTERNAL,
}
_EXPORTERS: Final = "opentelemetry_traces_exporter"
_SERVICE_NAME: Final = "OTEL_SERVICE_NAME"
_REMOTE: Final = TraceFlags(TraceFlags.SAMPLED)


class Told(NamedTuple):
    """A span that is over."""

    name: str
    kind: Kind
    at: SpanIds
    parent_id: str
    """Empty where the trace begins with it."""
    began_ns: int
    ended_ns: int
    attributes: Mapping[str, Value]
    links: Sequence[SpanIds] = ()
    error: str = ""
    """What went wrong, if anything did."""


def messaging(operation: Literal["process", "send"], topic: str) -> dict[str, Value]:
    """Return what every span about a topic says of it."""
    return {
        "messaging.system": "kafka",
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "messaging.destination.name": topic,
    }


class Telemetry:
    """Writes the spans of one service, in the background; what it cannot deliver is dropped.

    Parameters
    ----------
    service
        Its name, unless ``OTEL_SERVICE_NAME`` says another.
    exporters
        Where spans go; nothing is recorded where there is none.
    sampler
        Who is recorded.
    """

    def __init__(self, service: str, exporters: Sequence[SpanExporter], sampler: Sampler) -> None:
        self.sampler = sampler
        self.records = bool(exporters)
        self._ids = _GivenIds()
        named = {} if os.environ.get(_SERVICE_NAME) else {SERVICE_NAME: service}
        # What is written has been sampled already.
        self._provider = TracerProvider(
            ALWAYS_ON, Resource.create(named), id_generator=self._ids, shutdown_on_exit=False
        )
        for exporter in exporters:
            self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("headrace")

    def write(self, told: Told) -> None:
        """Write one span."""
        if not self.records:
            return
        self._ids.next = told.at
        context = None
        if told.parent_id:
            parent = _context(SpanIds(told.at.trace_id, told.parent_id))
            context = set_span_in_context(NonRecordingSpan(parent))
        span = self._tracer.start_span(
            told.name,
            context,
            _KINDS[told.kind],
            told.attributes,
            [Link(_context(each)) for each in told.links],
            told.began_ns,
        )
        if told.error:
            span.set_status(Status(StatusCode.ERROR, told.error))
        span.end(told.ended_ns)

    def flush(self) -> None:
        """Deliver what was written so far."""
        self._provider.force_flush()

    def close(self) -> None:
        """Deliver what was written, for a few seconds at the most."""
        self._provider.shutdown()


@contextmanager
def telemetry(service: str) -> Iterator[Telemetry]:
    """Write spans where the environment says, as long as the context lasts.

    Raises
    ------
    HeadraceError
        A variable has a value that cannot be used.
    """
    settings = TelemetrySettings.load()
    exporters = [_exporter(name, settings) for name in settings.exporters]
    sampler = Sampler(
        settings.rate, follows_parent=settings.follows_parent, records=bool(exporters)
    )
    written = Telemetry(service, exporters, sampler)
    try:
        yield written
    finally:
        written.close()


def untraced() -> Telemetry:
    """Return telemetry that records nothing."""
    return Telemetry("untraced", [], Sampler(0.0, records=False))


def _exporter(name: str, settings: TelemetrySettings) -> SpanExporter:
    found = entry_points(group=_EXPORTERS, name=settings.entry_point(name))
    if not found:
        known = ", ".join(sorted(entry_points(group=_EXPORTERS).names))
        raise HeadraceError(
            f"OTEL_TRACES_EXPORTER names {name!r}, which is not installed.",
            fix=f"Name one of none, zipkin, otlp, {known}, or install its package.",
        )
    make: Callable[..., SpanExporter] = next(iter(found)).load()
    if name == "zipkin" and settings.local_zipkin:
        return make(endpoint=f"{settings.local_zipkin}/api/v2/spans")
    return make()


class _GivenIds(IdGenerator):
    """The ids of the span that is written next."""

    next = SpanIds("", "")

    def generate_trace_id(self) -> int:
        return int(self.next.trace_id, 16)

    def generate_span_id(self) -> int:
        return int(self.next.span_id, 16)


def _context(ids: SpanIds) -> SpanContext:
    return SpanContext(int(ids.trace_id, 16), int(ids.span_id, 16), True, _REMOTE)
