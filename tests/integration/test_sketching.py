"""Sketching as it runs: its sketches come to all records, each once, through a kill -9."""

import math
import subprocess
from collections import Counter, defaultdict

import pytest

from headrace.contracts.codec import Undecodable
from support.running import run, scoring, until
from support.sketches import of_decisions, summed
from support.use_case import PROGRAM, deployed, transaction

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]

EVENTS = 1_000
INPUTS = ("events", "decisions", "events.dlq")
SEGMENTS = {"[policy]\n": '[drift]\nsegments = ["card_new", "weekend"]\n\n[policy]\n'}
YEAR_2090_MS = 3_786_912_000_000
"""Nothing of before has such a time but what is absurd."""
YEAR_9999_MS = 253_370_764_800_000


@pytest.fixture
def case(stack, use_case, tmp_path):
    with deployed(use_case, tmp_path, SEGMENTS) as case:
        yield case


def read(case, plural):
    """Return a topic's records, {} for what cannot be read."""
    records = []
    for message in case.messages(plural):
        try:
            records.append(case.decode(message.value()))
        except Undecodable:
            records.append({})
    return records


def of_events(events, schema_id):
    counts = Counter(records=len(events), unreadable=events.count({}))
    for event in filter(None, events):
        counts[f"schema/{schema_id}"] += 1
        counts["untimed"] += event["occurred_at_ms"] not in range(YEAR_2090_MS)
        counts["null/distance_km"] += event["distance_km"] is None
    return +counts


def test_sketches_come_to_all_records_though_sketching_is_killed(case):
    with scoring(case, HEADRACE_DEAD_LETTER_LIMIT="false") as decider:
        world = [PROGRAM, "publish", "--simulate", str(EVENTS), "--charter", case.path]
        subprocess.run(world, env=case.environment(), check=True, timeout=120)
        encode = case.encoder("events")
        strange = encode(transaction(occurred_at_ms=YEAR_9999_MS))
        bad = [("card-1", b"no event"), (b"\xff", strange), ("card-1", None), ("card-1", strange)]
        case.publish(bad * 60)
        decider.until(case.is_done)
        assert decider.stop() == 0
    with run(case, "sketching", HEADRACE_BATCH_RECORDS=7) as first:
        first.until(lambda: first.metrics()["headrace_records_total"] > EVENTS / 4)
        first.process.kill()
        first.process.wait(10)
    with run(case, "sketching") as second:
        until(lambda: case.is_drained("sketching", *INPUTS), 60, second.errors)
        assert second.metrics()["headrace_paused"] == 0
        assert second.metrics()["headrace_records_total"] > 0
        assert second.stop() == 0
    sketches = defaultdict(list)
    for sketch in case.records("sketches"):
        sketches[sketch["source_topic"].removeprefix(f"{case.name}.")].append(sketch)
    decisions, letters = case.records("decisions"), case.records("events.dlq")
    counts, bins, sums = summed(sketches["decisions"])
    told, told_bins, told_sums = of_decisions(case.charter, decisions, YEAR_2090_MS)
    assert len(decisions) > EVENTS / 2
    assert "score/card_new=1" in told_sums
    assert (counts, bins) == (told, told_bins)
    assert all(math.isclose(sums[name], told_sums[name], rel_tol=1e-9) for name in told_sums)
    schema_id = int.from_bytes(strange[1:5])
    assert summed(sketches["events"])[0] == of_events(read(case, "events"), schema_id)
    reasons = Counter(f"reason/{each['reason']}" for each in letters)
    assert summed(sketches["events.dlq"])[0] == reasons | {"records": len(letters)}
    assert {each["service"] for each in letters} == {"scoring"}
    assert {each["hour_of_week"] for each in sketches["decisions"]} <= {*range(168)}
    examples = {each["example"] for each in sketches["decisions"]}
    assert examples <= {each["decision_id"] for each in decisions}
