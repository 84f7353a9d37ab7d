"""Metrics by name from one closed list."""

from typing import get_args

import pytest

from headrace.chassis.metrics import CountName, GaugeName, Metrics


@pytest.fixture
def metrics():
    return Metrics("scoring")


def samples(metrics):
    lines = metrics.exposition().decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def test_every_name_of_the_list_is_exposed(metrics):
    exposed = metrics.exposition().decode()
    for name in (*get_args(CountName), *get_args(GaugeName)):
        assert f"headrace_{name}" in exposed


def test_counts_add_up_with_and_without_labels(metrics):
    metrics.count("duplicates")
    metrics.count("duplicates", 4)
    metrics.count("dead_letters", 1, "future")
    metrics.count("dead_letters", 2, "future")
    found = samples(metrics)
    assert found["headrace_duplicates_total"] == 5
    assert found['headrace_dead_letters_total{reason="future"}'] == 3


def test_a_gauge_shows_the_latest_value(metrics):
    metrics.gauge("lag_records", 7, "0")
    metrics.gauge("lag_records", 3, "0")
    metrics.gauge("state_keys", 12)
    found = samples(metrics)
    assert found['headrace_lag_records{partition="0"}'] == 3
    assert found["headrace_state_keys"] == 12


def test_a_batch_is_counted_by_records_and_by_size(metrics):
    for records in (1, 60, 1_000):
        metrics.batch(records)
    found = samples(metrics)
    assert found["headrace_records_total"] == found["headrace_batch_records_sum"] == 1_061
    assert found["headrace_batch_records_count"] == 3
    assert found['headrace_batch_records_bucket{le="100.0"}'] == 2


def test_stage_seconds_follow_the_clock_and_are_counted_once(metrics):
    metrics.stages({"fetch": 1.0, "commit": 0.5})
    metrics.stages({"fetch": 1.0, "commit": 2.0})
    found = samples(metrics)
    assert found['headrace_stage_seconds_total{stage="fetch"}'] == 1
    assert found['headrace_stage_seconds_total{stage="commit"}'] == 2


def test_two_services_in_one_process_share_nothing():
    first, second = Metrics("scoring"), Metrics("learning")
    first.count("records")
    assert samples(second)["headrace_records_total"] == 0
