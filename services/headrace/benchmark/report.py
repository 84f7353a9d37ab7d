"""Writing a result down: one JSON document, and a picture beside it."""

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from headrace.benchmark import where
from headrace.benchmark.contestants import TUNING
from headrace.benchmark.picture import picture
from headrace.benchmark.plan import SEED, Plan
from headrace.benchmark.results import Results
from headrace.benchmark.run import Benchmark
from headrace.benchmark.surveyed import versions


def document(plan: Plan, done: Benchmark) -> dict[str, Any]:
    """Return all of a result."""
    return {
        "measured_at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        **done.results.as_json(),
        "machine": done.machine,
        "versions": versions(done.environments),
        "settings": {
            "seed": SEED,
            "plan": asdict(plan),
            **{f"{name}, {aim}": tuning for (name, aim), tuning in TUNING.items()},
        },
    }


def write(told: Mapping[str, Any], results: Results) -> Path:
    """Write document and picture, and return the document's path; the picture is beside it."""
    path = where.home() / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS))
    path.with_suffix(".svg").write_text(picture(results), "utf-8")
    return path
