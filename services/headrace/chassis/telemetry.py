"""Spans for OpenTelemetry, written when they are over: what became of them is known then.

Where they go and how many there are is said by OpenTelemetry's own variables (see
:class:`.settings.TelemetrySettings`). Names and attributes follow its conventions for messaging,
https://opentelemetry.io/docs/specs/semconv/messaging/kafka/. No attribute is a record's key, or
any other value that a charter calls personal.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import entry_points
from threading import Lock, Thread
from time import monotonic
from typing import Any, Final, Literal, NamedTuple, cast

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

_log = logging.getLogger("headrace.telemetry")

Kind = Literal["producer", "consumer", "internal"]
Value = str | bool | int | float

_KINDS: Mapping[Kind, SpanKind] = {
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
    "internal": SpanKind.INTERNAL,
}
_EXPORTERS: Final = "opentelemetry_traces_exporter"
_PATIENCE_S: Final = 3.0
_SILENCE_S: Final = 60.0
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
        self._writing = Lock()
        # What is written has been sampled already.
        self._provider = TracerProvider(
            ALWAYS_ON, _resource(service), id_generator=self._ids, shutdown_on_exit=False
        )
        for exporter in exporters:
            self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("headrace")

    def write(self, told: Told) -> None:
        """Write one span."""
        if not self.records:
            return
        context = None
        if told.parent_id:
            parent = _context(SpanIds(told.at.trace_id, told.parent_id))
            context = set_span_in_context(NonRecordingSpan(parent))
        links = [Link(_context(each)) for each in told.links]
        with self._writing:  # or another thread's span would take its ids
            self._ids.next = told.at
            span = self._tracer.start_span(
                told.name, context, _KINDS[told.kind], told.attributes, links, told.began_ns
            )
        if told.error:
            span.set_status(Status(StatusCode.ERROR, told.error))
        span.end(told.ended_ns)

    def flush(self) -> None:
        """Deliver what was written so far, for a few seconds at the most."""
        _briefly(self._provider.force_flush)

    def close(self) -> None:
        """Deliver what was written, for a few seconds at the most."""
        _briefly(self._provider.shutdown)


@contextmanager
def telemetry(service: str) -> Iterator[Telemetry]:
    """Write spans where the environment says, as long as the context lasts.

    Raises
    ------
    HeadraceError
        A variable has a value that cannot be used.
    """
    settings = TelemetrySettings()
    _tell_in_one_line()
    try:
        exporters = [_exporter(name, settings) for name in settings.exporters]
        sampler = Sampler(
            settings.rate, follows_parent=settings.follows_parent, records=bool(exporters)
        )
        written = Telemetry(service, exporters, sampler)
    except ValueError as error:
        raise HeadraceError(
            f"OpenTelemetry does not take its settings: {error}",
            fix="Look at the variables OTEL_*.",
        ) from error
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
            fix=f"Name one of none, zipkin, otlp, {known}, or install the package of "
            f"{settings.entry_point(name)}.",
        )
    make: Callable[..., Any] = next(iter(found)).load()
    if name == "zipkin" and settings.local_zipkin:
        local = make(endpoint=f"{settings.local_zipkin}/api/v2/spans")
        local.session.trust_env = False  # or a proxy would get what is meant for this machine
        return cast("SpanExporter", local)
    return cast("SpanExporter", make())


def _resource(service: str) -> Resource:
    """Return whom the spans are of: the environment's word, else ours."""
    named = Resource.create()
    if str(named.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
        return named.merge(Resource({SERVICE_NAME: service}))
    return named


def _briefly(call: Callable[[], object]) -> None:
    """Wait for a call, and leave it behind where it takes long: a collector may be away."""
    thread = Thread(target=call, daemon=True)
    thread.start()
    thread.join(_PATIENCE_S)


def _tell_in_one_line() -> None:
    """Let the SDK's complaints be a line, now and then; it writes a traceback for each try."""
    logger = logging.getLogger("opentelemetry")
    if not any(isinstance(handler, _OneLine) for handler in logger.handlers):
        logger.addHandler(_OneLine(logging.WARNING))
        logger.propagate = False


class _OneLine(logging.Handler):
    """Passes on what is said, briefly, and once a minute at the most."""

    _said_at = -_SILENCE_S

    def emit(self, record: logging.LogRecord) -> None:
        """Pass it on."""
        now = monotonic()
        if now - self._said_at < _SILENCE_S:
            return
        self._said_at = now
        why = f" ({type(record.exc_info[1]).__name__})" if record.exc_info else ""
        _log.warning("traces: %.200s%s", record.getMessage(), why)


class _GivenIds(IdGenerator):
    """The ids of the span that is written next."""

    next = SpanIds("", "")

    def generate_trace_id(self) -> int:
        return int(self.next.trace_id, 16)

    def generate_span_id(self) -> int:
        return int(self.next.span_id, 16)


def _context(ids: SpanIds) -> SpanContext:
    return SpanContext(int(ids.trace_id, 16), int(ids.span_id, 16), True, _REMOTE)
