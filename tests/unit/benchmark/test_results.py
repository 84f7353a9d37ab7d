"""Rates from stamps, medians and ratios from rounds, and a picture of them."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from headrace.benchmark.growth import Point
from headrace.benchmark.latency import Schedule
from headrace.benchmark.open_loop import Percentiles
from headrace.benchmark.picture import picture
from headrace.benchmark.results import Failure, Results
from headrace.benchmark.sizes import Sizes
from headrace.benchmark.swaps import Swapped
from headrace.benchmark.throughput import Throughput, rate
from headrace.benchmark.watching import Watched


def ran(per_s: float, **stages_us: float) -> Throughput:
    return Throughput(1_000, per_s, Sizes(), 100.0, stages_us)


def took(p50_ms: float) -> Percentiles:
    return Percentiles(p50_ms, p50_ms * 3, p50_ms * 4, 1.0)


@pytest.fixture
def results() -> Results:
    return Results(
        throughput={
            "headrace": [ran(400, decode=2.0), ran(600, decode=4.0), ran(500, decode=3.0)],
            "quix": [ran(200), ran(250), ran(300)],
            "echo": [ran(1_000)],
        },
        latency={
            "headrace": [{500: took(9)}, {500: took(6)}, {500: took(7)}],
            "echo": [{500: took(5)}],
        },
        growth=[
            Point("keys", "1,000", 400.0, 100.0, 1_000, 0.5),
            Point("keys", "1,049,576", 300.0, 1_100.0, 1_049_576, 9.0),
            *(Point("windows", "1", per_s, 120.0) for per_s in (300.0, 100.0, 350.0)),
        ],
        swaps=[
            Swapped(took(10), took(14), 2),
            Swapped(took(8), took(12), 2),
            Swapped(took(30), took(9), 2),
        ],
        failures=[Failure("faust", "throughput, round 1", "it has ended")],
    )


def test_a_rate_leaves_the_warm_up_out() -> None:
    slow, fast = np.arange(0, 1_000, 10), np.arange(1_000, 1_300)
    assert rate(np.concatenate([slow, fast]), 0.25) == pytest.approx(1_000, rel=0.01)


def test_a_rate_cuts_no_batch_in_two() -> None:
    batches = np.repeat([0, 100, 200, 300], 50)
    assert rate(batches, 0.3) == 500  # two batches in 200 ms


def test_what_was_all_appended_at_once_has_no_rate() -> None:
    assert rate(np.full(100, 7), 0.25) == 0.0


def test_ratios_are_of_medians(results: Results) -> None:
    assert results.ratios() == {"quix": 2.0, "echo": 0.5}
    assert results.latency_ratios("echo")[500]["p50_ms"] == pytest.approx(7 / 5)
    assert results.stages_us() == {"decode": 3.0}


def test_without_our_own_number_there_are_no_ratios(results: Results) -> None:
    del results.throughput["headrace"]
    assert results.ratios() == {}


def test_who_has_no_rate_has_no_ratio(results: Results) -> None:
    results.throughput["quix"] = [ran(0.0)]
    assert results.ratios() == {"echo": 0.5}


def test_what_swaps_cost_is_the_ratio_of_the_medians_of_both_stretches(results: Results) -> None:
    told = results.as_json()["swaps_under_load"]
    assert told["without"] == {"p50_ms": 10, "p99_ms": 30}
    assert told["swapping"] == {"p50_ms": 12, "p99_ms": 36}
    assert told["ratios"] == {"p50_ms": 1.2, "p99_ms": 1.2}
    assert told["swaps"] == 6
    assert [each["swapping"]["p99_ms"] for each in told["rounds"]] == [42, 36, 27]


def test_without_rounds_nothing_is_said_of_swaps() -> None:
    assert Results().swap_ratios() == {}
    assert Results().as_json()["swaps_under_load"]["rounds"] == []


def test_who_watches_is_told_beside_scoring(results: Results) -> None:
    results.watching = {
        "sketching": [Watched(1_000, 90, per_s, 100.0, {}) for per_s in (600, 700, 500)],
        "drift": [Watched(1_000, 90, 1_000, 100.0, {})],
    }
    told = results.as_json()["watching"]
    assert told["ratios"] == {"sketching": 1.2, "drift": 2.0}
    assert (told["sketching"]["per_s"], told["sketching"]["per_s_max"]) == (600, 700)
    assert [each["sketches"] for each in told["drift"]["rounds"]] == [90]


def test_who_watches_has_no_ratio_without_scoring(results: Results) -> None:
    del results.throughput["headrace"]
    results.watching = {"drift": [Watched(1_000, 90, 1_000, 100.0, {})]}
    assert results.as_json()["watching"]["ratios"] == {}


def test_the_document_has_every_round_and_every_failure(results: Results) -> None:
    told = results.as_json()
    assert [each["per_s"] for each in told["throughput"]["quix"]["rounds"]] == [200, 250, 300]
    assert told["throughput"]["quix"]["per_s_min"] == 200
    assert len(told["latency"]["headrace"]["500"]["rounds"]) == 3
    assert told["failures"][0]["contestant"] == "faust"
    assert told["growth"][0]["restore_s"] == 0.5


def test_the_picture_names_everybody_with_a_number(results: Results) -> None:
    drawn = ET.fromstring(picture(results))  # noqa: S314 -- our own
    words = [each.text for each in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert {"headrace", "quix", "echo", "500", "7.0 / 21.0", "12.0 / 36.0"} <= set(words)


def test_an_empty_result_can_be_drawn_too() -> None:
    ET.fromstring(picture(Results()))  # noqa: S314 -- our own


def test_a_schedule_warms_up_first() -> None:
    schedule = Schedule((500, 1_000), 2.0, 100, 0.5)
    assert list(schedule.stretches()) == [(100, 50), (500, 1_000), (1_000, 2_000)]
    assert schedule.events == 3_050


def test_keys_cost_what_lies_between_the_fewest_and_the_most(results: Results) -> None:
    assert results.of_keys() == {
        "bytes_a_key": 1_000.0,
        "speed_with_most_keys": 0.75,
        "restore_s_with_most_keys": 9.0,
    }
    assert Results().of_keys() == {}


def test_a_point_of_a_curve_is_the_median_of_its_rounds(results: Results) -> None:
    curves = results.curves()
    assert [(point.curve, point.per_s) for point in curves][-1] == ("windows", 300.0)
    assert len(curves) == 3
    assert len(results.as_json()["growth_rounds"]) == 5
