"""``headrace bench``: headrace beside its peers, on the same job in one run."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from headrace.benchmark.growth import Point
from headrace.benchmark.plan import headline, with_growth
from headrace.benchmark.plan import quick as quick_plan
from headrace.benchmark.report import document, write
from headrace.benchmark.results import Results
from headrace.benchmark.run import benchmark
from headrace.commands.console import print_json, print_table, progress
from headrace.errors import HeadraceError

_PARTS: tuple[tuple[Literal["p50_ms", "p99_ms", "p999_ms"], str], ...] = (
    ("p50_ms", "p50 ms"),
    ("p99_ms", "p99 ms"),
    ("p999_ms", "p99.9 ms"),
)


def bench(
    *, quick: bool = False, more: bool = False, full: bool = False, json: bool = False
) -> None:
    """Measure throughput and latency beside Quix Streams, Faust and a raw echo; exit 1 on failure.

    Everything is on this machine's local stack, in turn, on the same input; every contestant's
    output is checked. Result and picture are kept in ``bench`` below HEADRACE_HOME.

    Parameters
    ----------
    quick
        One round instead of five.
    more
        What is no comparison, too: sketching and drift work through what headrace has left, models
        are swapped under load, and frozen models are timed beside River's own.
    full
        All that, latency up to the knee, and how headrace grows with keys, windows and processes.
    json
        Print the result as JSON.
    """
    plan = replace(quick_plan() if quick else headline(), more=more)
    if full:
        plan = with_growth(plan)
    done = benchmark(plan, progress)
    told = document(plan, done)
    path = write(told, done.results)
    if json:
        print_json(told)
    else:
        _show(done.results)
    progress(f"Written: {path} and {path.with_suffix('.svg').name}")
    if done.results.failures:
        names = ", ".join(sorted({failure.contestant for failure in done.results.failures}))
        raise HeadraceError(f"Not every run gave a number: {names}; see above.")


def _show(results: Results) -> None:
    print_table("Throughput, one process each", list(_throughput(results)))
    print_table("Latency, from due to decided", list(_latency(results)))
    if results.watching:
        print_table("Watching what was decided, one process each", list(_watching(results)))
    if results.swaps:
        print_table("Models swapped under load", list(_swaps(results)))
    if results.frozen:
        print_table("Prediction, a vector in a batch of 500", list(_frozen(results)))
    if results.growth:
        print_table("How headrace grows", [_shown(point) for point in results.curves()])
        of_keys = {
            name.replace("_", " "): f"{each:,.2f}" for name, each in results.of_keys().items()
        }
        print_table("What keys cost, from the fewest to the most", [of_keys] if of_keys else [])
    stages = results.stages_us()
    if stages:
        spent = {**stages, "all": sum(stages.values())}
        rows = [{"stage": stage, "µs an event": f"{us:.1f}"} for stage, us in spent.items()]
        print_table("Where headrace's time goes", rows)


def _throughput(results: Results) -> Iterator[dict[str, object]]:
    ratios = results.ratios()
    for name, spread in results.per_s().items():
        yield {
            "contestant": name,
            "events/s": round(spread.median),
            "from": round(spread.least),
            "to": round(spread.most),
            "headrace / it": f"{ratios[name]:.2f}" if name in ratios else "",
        }


def _watching(results: Results) -> Iterator[dict[str, object]]:
    ratios = results.watching_ratios()
    for name, spread in results.watched_per_s().items():
        yield {
            "service": name,
            "events/s": round(spread.median),
            "from": round(spread.least),
            "to": round(spread.most),
            "it / scoring": f"{ratios[name]:.2f}" if name in ratios else "",
        }


def _latency(results: Results) -> Iterator[dict[str, object]]:
    for rate in results.rates():
        for name in results.latency:
            parts = results.latencies(name, rate)
            against = results.latency_ratios(name).get(rate, {}) if name != "headrace" else {}
            if not parts:
                continue
            yield {
                "events/s": rate,
                "contestant": name,
                **{heading: f"{parts[part].median:.1f}" for part, heading in _PARTS},
                **{
                    f"headrace / it, {heading[:-3]}": (f"{against[part]:.2f}" if against else "")
                    for part, heading in _PARTS[:2]
                },
            }


def _swaps(results: Results) -> Iterator[dict[str, object]]:
    ratios = results.swap_ratios()
    for stretch, parts in results.swapped().items():
        is_swapping = stretch == "swapping"
        yield {
            "models": "swapped" if is_swapping else "not swapped",
            "swaps": sum(each.swaps for each in results.swaps) if is_swapping else 0,
            **{heading: f"{parts[part].median:.1f}" for part, heading in _PARTS[:2]},
            **{
                f"to without, {heading[:-3]}": f"{ratios[part]:.2f}" if is_swapping else ""
                for part, heading in _PARTS[:2]
            },
        }


def _frozen(results: Results) -> Iterator[dict[str, object]]:
    for each in results.frozen:
        yield {
            "model": each.model,
            "River µs": f"{each.river_us:.1f}",
            "frozen µs": f"{each.frozen_us:.2f}",
            "River / frozen": f"{each.ratio:.1f}",
        }


def _shown(point: Point) -> dict[str, object]:
    return {
        "curve": point.curve,
        "at": point.at,
        "events/s": round(point.per_s),
        "memory MB": round(point.memory_mb),
        "restore s": "" if point.restore_s is None else f"{point.restore_s:.1f}",
    }
