"""The label desk tells the truth about decided events, at its event time and no earlier."""

import random
from itertools import islice

import numpy as np
import pytest

from headrace.simulator.desk import LabelDesk
from headrace.simulator.scenario import Scenario
from headrace.simulator.seasons import DAY_MS, HOUR_MS
from headrace.simulator.world import World

SCENARIO = Scenario(seed=4, events=20_000)
PARTITIONS = 3
WAIT_MS = 61 * DAY_MS
SOURCES = ["analyst", "chargeback", "correction", "appeal"]


def decided(number, purchase, action):
    return {
        "event_id": f"{SCENARIO.name}-e{number:06d}",
        "key": f"card-{purchase['card']}",
        "occurred_at_ms": int(purchase["at_ms"]),
        "action": action,
        "acted": True,
    }


@pytest.fixture(scope="module")
def purchases():
    return np.concatenate(list(islice(World(SCENARIO).days(), 42)))[: SCENARIO.events - 500]


@pytest.fixture(scope="module")
def decisions(purchases):
    """Each event's decision and its partition, in the order of the events."""
    draw = random.Random(8)
    return [
        (
            int(purchase["card"]) % PARTITIONS,
            decided(number, purchase, draw.choice(["approve"] * 8 + ["review", "decline"])),
        )
        for number, purchase in enumerate(purchases)
    ]


def only_labels(said):
    return [record for record in said if record["kind"] == "label"]


def folded(decisions):
    """What each partition's labels are, and then the rest."""
    desk, labels = LabelDesk(SCENARIO), {partition: [] for partition in range(PARTITIONS)}
    for partition, decision in decisions:
        labels[partition] += only_labels(desk.observe(partition, decision))
    return labels, only_labels(record for _, record in desk.rest(PARTITIONS, WAIT_MS)), desk


@pytest.fixture(scope="module")
def labelled(decisions):
    return folded(decisions)


def test_labels_come_out_when_the_partitions_decisions_have_reached_their_event_time(decisions):
    desk, clock_ms, seen = LabelDesk(SCENARIO), {}, 0
    for partition, decision in decisions:
        due = only_labels(desk.observe(partition, decision))
        before_ms = clock_ms.get(partition, 0)
        clock_ms[partition] = max(before_ms, decision["occurred_at_ms"])
        assert all(before_ms < label["observed_at_ms"] <= clock_ms[partition] for label in due)
        seen += len(due)
    assert seen > 500


def test_the_rest_becomes_known_in_order_after_the_last_decision(labelled):
    _, rest, desk = labelled
    times = [label["observed_at_ms"] for label in rest]
    assert len(rest) > 100
    assert times == sorted(times)
    assert desk.pending == 0


def test_the_order_across_partitions_does_not_matter(decisions, labelled):
    by_partition = sorted(decisions, key=lambda decision: decision[0])
    labels, rest, _ = folded(by_partition)
    assert labels == labelled[0]
    assert rest == labelled[1]


def test_what_is_said_in_the_end_is_the_truth_but_for_the_errors_nobody_corrects(
    purchases, labelled
):
    labels, rest, _ = labelled
    last = {}
    for label in [*(one for each in labels.values() for one in each), *rest]:
        assert last.get(label["event_id"], {"revision": 0})["revision"] == label["revision"] - 1
        last[label["event_id"]] = label
    wrong = [
        label
        for event_id, label in last.items()
        if label["value"] != bool(purchases[int(event_id[-6:])]["pattern"])
    ]
    assert 0 < len(wrong) < 0.03 * len(last)
    assert all(label["source"] == "analyst" for label in wrong)


def test_analysts_speak_of_reviewed_events_only_and_chargebacks_of_approved_ones(
    decisions, labelled
):
    action = {decision["event_id"]: decision["action"] for _, decision in decisions}
    labels, rest, _ = labelled
    found = {(one["source"], action[one["event_id"]]) for each in labels.values() for one in each}
    found |= {(one["source"], action[one["event_id"]]) for one in rest}
    assert found == {
        ("analyst", "review"),
        ("correction", "review"),
        ("chargeback", "approve"),
        ("appeal", "decline"),
    }


def test_where_nobody_acts_on_a_decision_the_money_moves_and_is_charged_back(purchases):
    desk, said = LabelDesk(SCENARIO), []
    frauds = np.flatnonzero(purchases["pattern"])[:50]
    for number in frauds:
        decision = decided(number, purchases[number], "decline") | {"acted": False}
        said += desk.observe(0, decision)
    said += [record for _, record in desk.rest(1, WAIT_MS)]
    assert {label["source"] for label in only_labels(said)} == {"chargeback"}


def test_only_an_events_first_decision_counts(purchases):
    desk = LabelDesk(SCENARIO)
    desk.observe(0, decided(3, purchases[3], "review"))
    desk.observe(0, decided(3, purchases[3], "review"))
    assert (desk.decided, desk.pending) == (1, 1)


@pytest.mark.parametrize(
    "event_id", ["s5n20000-e000003", "tx-1", "", f"{SCENARIO.name}-e99999999", f"{SCENARIO.name}-e"]
)
def test_events_of_other_worlds_are_passed_over(purchases, event_id):
    desk = LabelDesk(SCENARIO)
    decision = decided(3, purchases[3], "review") | {"event_id": event_id}
    assert desk.observe(0, decision) == []
    assert (desk.decided, desk.pending) == (0, 0)


def displaced(decisions, draw):
    """The same decisions, every tenth of an event that was up to four days late."""
    for partition, decision in decisions:
        late_ms = draw.randrange(4 * DAY_MS) if draw.random() < 0.1 else 0
        yield partition, decision | {"occurred_at_ms": decision["occurred_at_ms"] - late_ms}


def all_said(decisions, every_ms=HOUR_MS, partitions=PARTITIONS):
    """What is said in each partition, the rest included, in its order."""
    desk, said = LabelDesk(SCENARIO, every_ms), {number: [] for number in range(partitions)}
    for partition, decision in decisions:
        said[partition] += desk.observe(partition, decision)
    for partition, record in desk.rest(partitions, WAIT_MS):
        said[partition].append(record)
    return said


def heartbeats_of(said, source):
    return [
        record["observed_at_ms"]
        for record in said
        if record["kind"] == "heartbeat" and record["source"] == source
    ]


@pytest.mark.parametrize("seed", range(4))
def test_no_label_comes_after_a_heartbeat_that_speaks_of_its_time_however_late_its_event(
    decisions, seed
):
    draw = random.Random(seed)
    begin = draw.randrange(len(decisions) - 4_000)
    every_ms = draw.choice([1, HOUR_MS, DAY_MS])
    for said in all_said(displaced(decisions[begin : begin + 4_000], draw), every_ms).values():
        heard_ms, labels = 0, only_labels(said)
        for record in said:
            if record["kind"] == "heartbeat":
                assert record["observed_at_ms"] >= heard_ms
                heard_ms = record["observed_at_ms"]
            else:
                assert record["observed_at_ms"] > heard_ms
        assert len(labels) > 10
        assert labels == sorted(labels, key=lambda label: label["observed_at_ms"])


def test_each_source_sends_its_heartbeats_at_least_an_hour_of_event_time_apart(decisions):
    for said in all_said(decisions[:6_000]).values():
        per_source = {source: heartbeats_of(said, source) for source in SOURCES}
        times = per_source["analyst"]
        assert all(each == times for each in per_source.values())
        assert min(np.diff(times[:-1])) >= HOUR_MS
        assert len(times) > 24 * 7


def test_a_heartbeat_is_about_no_event(decisions):
    said = LabelDesk(SCENARIO).observe(*decisions[0])
    blank = {"event_id": "", "key": "", "value": False, "revision": 0, "kind": "heartbeat"}
    at_ms = decisions[0][1]["occurred_at_ms"]
    assert said == [{**blank, "source": each, "observed_at_ms": at_ms} for each in SOURCES]


def test_the_last_heartbeats_stand_in_every_partition_beyond_any_events_wait(decisions):
    partitions = PARTITIONS + 1  # nothing is decided in the last one
    said = all_said(decisions, partitions=partitions)
    newest_ms = max(decision["occurred_at_ms"] for _, decision in decisions)
    for number in range(partitions):
        for source in SOURCES:
            assert heartbeats_of(said[number], source)[-1] == newest_ms + WAIT_MS


def test_the_last_heartbeats_wait_for_the_last_label_where_that_is_later(decisions):
    desk = LabelDesk(SCENARIO)
    labels = [one for each in decisions[:2_000] for one in only_labels(desk.observe(*each))]
    rest = [record for _, record in desk.rest(PARTITIONS, wait_ms=0)]
    last_ms = max(label["observed_at_ms"] for label in [*labels, *only_labels(rest)])
    assert rest[-1]["kind"] == "heartbeat"
    assert rest[-1]["observed_at_ms"] == last_ms


def test_where_nothing_was_decided_nothing_is_said():
    assert list(LabelDesk(SCENARIO).rest(PARTITIONS, WAIT_MS)) == []
