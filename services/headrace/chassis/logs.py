"""Logs as JSON lines on stderr, with the trace that a line belongs to."""

import logging
import sys

import orjson
import structlog

from headrace.chassis.tracing import CURRENT


def log_as_json(service: str, level: int = logging.INFO) -> None:
    """Write every log line of this process as one JSON document."""

    def name_service(
        _logger: object, _method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        event["service"] = service
        return event

    def name_span(
        _logger: object, _method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        span = CURRENT.get()
        if span is not None:
            event.update(span.named_by_log()._asdict())
        return event

    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        name_service,
        name_span,
        structlog.processors.format_exc_info,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(lambda event, **_: orjson.dumps(event).decode()),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    for library in ("httpx", "httpx2"):  # a line for each question to the registry
        logging.getLogger(library).setLevel(logging.WARNING)
    logging.basicConfig(level=level, handlers=[handler], force=True)
