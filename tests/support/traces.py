"""Telemetry for tests: none, or into memory."""

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from headrace.chassis.telemetry import Telemetry, untraced
from headrace.chassis.tracing import Sampler

UNTRACED = untraced()
"""For streams whose spans are of no interest."""


class Remembered:
    """Telemetry whose spans stay in memory."""

    def __init__(self, sampler: Sampler | None = None) -> None:
        self.exporter = InMemorySpanExporter()
        self.telemetry = Telemetry("headrace.test", [self.exporter], sampler or Sampler(1.0))

    def spans(self):
        """Return what was written so far, in its order."""
        self.telemetry.flush()
        return self.exporter.get_finished_spans()

    def named(self, name: str):
        """Return the spans of a name."""
        return [span for span in self.spans() if span.name == name]


def hexadecimal(span) -> tuple[str, str, str]:
    """Return trace, span and parent as headers write them."""
    parent = f"{span.parent.span_id:016x}" if span.parent else ""
    return f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}", parent
