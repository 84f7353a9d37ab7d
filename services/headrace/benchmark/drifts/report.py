"""A result as tables, and as a document with a picture beside it."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from headrace.benchmark import where
from headrace.benchmark.drifts.picture import picture
from headrace.benchmark.drifts.rates import Delays, delays
from headrace.benchmark.drifts.results import PER, Results
from headrace.benchmark.drifts.run import Plan

Row = Mapping[str, object]


def document(plan: Plan, results: Results) -> dict[str, Any]:
    """Return all of a result."""
    return {
        "measured_at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        **results.as_json(),
        "settings": asdict(plan),
        "versions": {"river": version("river"), "numpy": np.__version__},
    }


def write(told: Mapping[str, Any], results: Results) -> Path:
    """Write document and picture, and return the document's path; the picture is beside it."""
    path = where.home() / f"drift-{time.strftime('%Y%m%d-%H%M%S')}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2))
    path.with_suffix(".svg").write_text(picture(results), "utf-8")
    return path


def tables(results: Results) -> Iterator[tuple[str, Sequence[Row]]]:
    """Yield all tables with their titles."""
    yield "Signals where nothing drifts", list(_false_alarms(results))
    yield "Drifts of the world of card fraud", list(_world_delays(results))
    yield "Balanced streams that drift", list(_stream_delays(results))
    yield (
        f"Detectors on losses, each with one false alarm in {PER:,} events",
        list(_detectors(results)),
    )
    yield (
        "Bars",
        [
            {
                "bar": bar.name,
                "measured": "not noticed" if bar.measured is None else f"{bar.measured:,.2f}",
                "at most": f"{bar.most:,g}",
                "met": "yes" if bar.is_met else "no",
            }
            for bar in results.bars()
        ],
    )


def _false_alarms(results: Results) -> Iterator[Row]:
    streams = results.stream_alarms()
    found = results.false_alarms()
    yield {
        "about": "all",
        "signals": found.signals,
        "events": found.events,
        f"in {PER:,}": f"{found.rate:.3f}",
        "upper 95 %": f"{found.bound:.3f}",
    }
    for subject, count in results.false_alarms_by().items():
        rate = count * PER / max(found.events, 1)
        yield {"about": subject, "signals": count, "events": "", "in": f"{rate:.3f}", "": ""}
    yield {
        "about": "streams, before their drifts",
        "signals": streams.signals,
        "events": streams.events,
        "in": f"{streams.rate:.3f}",
        "": f"{streams.bound:.3f}",
    }


def _world_delays(results: Results) -> Iterator[Row]:
    for (drift, by), of_each in results.world_delays().items():
        before, after = results.world_loss(drift)
        yield {
            "drift": drift,
            "positives' loss": f"{_loss(before)} → {_loss(after)}",
            "noticed by": by,
            **{f"{unit}: median, 95 %": _both(found) for unit, found in of_each.items()},
            "not noticed": _missed(of_each["events"]),
        }


def _stream_delays(results: Results) -> Iterator[Row]:
    for (stream, pace), (outcomes, positives) in results.stream_delays().items():
        before, after = results.wrong(stream)
        yield {
            "stream": stream,
            "pace": pace,
            "wrong": f"{before:.0%} → {after:.0%}",
            "outcomes: median, 95 %": _both(outcomes),
            "positives": _both(positives),
            "not noticed": _missed(outcomes),
        }


def _detectors(results: Results) -> Iterator[Row]:
    for compared in results.compared():
        for each in compared.chosen:
            found = delays(each.delays)
            yield {
                "values": compared.of,
                "detector": each.detector,
                "setting": f"{each.setting:g}",
                "false alarms": f"{each.alarms} in {compared.events:,}",
                "values: median, 95 %": _both(found),
                "not noticed": _missed(found),
            }


def _both(found: Delays) -> str:
    return f"{_number(found.median)}, {_number(found.p95)}"


def _missed(found: Delays) -> str:
    return f"{found.missed} of {found.runs}"


def _loss(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"
