"""The benchmark runs, and the output of every contestant is right; nothing is timed here."""

from pathlib import Path

import pytest

from headrace.benchmark.contestants import PROGRAMS, Name
from headrace.benchmark.latency import Schedule
from headrace.benchmark.plan import Plan
from headrace.benchmark.report import document, write
from headrace.benchmark.run import Benchmark
from headrace.benchmark.swaps import Swapping

# Six programs, one after the other: on a busy machine that takes minutes.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(1800)]
EVENTS: dict[Name, int] = {"headrace": 2_000, "quix": 1_000, "faust": 500, "echo": 2_000}
RATE = 200


def test_every_contestant_decides_every_event_right(
    stack: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.benchmark.frozen._OUTCOMES", 200)
    swapping = Swapping(RATE, 3.0, every_s=4.0, settle_s=0.2, warm_up_s=0.5, outcomes=300)
    plan = Plan(1, EVENTS, Schedule((RATE,), 1.0, RATE, 0.5), swapping, more=True)
    bench = Benchmark(plan, print)
    results = bench.run()
    absent = {
        name for name, program in PROGRAMS.items() if program.environment not in bench.environments
    }
    assert {failure.contestant for failure in results.failures} == absent, results.failures
    assert set(results.throughput) == set(EVENTS) - absent
    watched = {name: [each.events for each in runs] for name, runs in results.watching.items()}
    assert watched == {"sketching": [EVENTS["headrace"]], "drift": [EVENTS["headrace"]]}
    assert all(RATE in run for runs in results.latency.values() for run in runs)
    assert [each.swaps for each in results.swaps] == [1]
    assert results.stages_us().keys() >= {"decode", "features", "model", "encode", "commit"}
    monkeypatch.setattr("headrace.benchmark.where.home", lambda: tmp_path)
    path = write(document(plan, bench), results)
    assert path.with_suffix(".svg").exists()
