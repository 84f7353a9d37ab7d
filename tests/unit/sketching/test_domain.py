"""What sketches tell of records: the same, however these are cut into batches."""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.examples import example_files, load_example
from headrace.contracts.codec import Decoder, Encoder
from headrace.contracts.location import shipped
from headrace.contracts.schemas import load_schema
from headrace.sketching.cutting import UNKNOWN, Stretch
from headrace.sketching.domain import LETTER_FIELDS, Decisions, Model, Sketcher
from headrace.usecase.bins import NUMBERS
from headrace.usecase.charter import Charter
from headrace.usecase.drift import Drift
from support.sketches import of_decisions, summed

CHARTER = Charter.load(shipped("deploy") / "charters" / "card-fraud.toml")
NAMES = CHARTER.feature_set.names
SKETCHER = Sketcher(CHARTER, ["distance_km"])
SEGMENTED = CHARTER.model_copy(update={"drift": Drift(segments=("card_new", "weekend"))})
HOUR_MS = 3_600_000
MONDAY_MS = 4 * 24 * HOUR_MS
UNTIL_MS = 10_000 * HOUR_MS
SCHEMA = load_schema("platform/TrafficSketched")
OTHER = b"o" * 32

moments = st.sampled_from([0, MONDAY_MS, MONDAY_MS + HOUR_MS - 1, -5, 2**63 - 1, UNTIL_MS + 1])
numbers = st.sampled_from([0.0, 1e-7, -3.5, 1e300, 12.0]) | st.floats(-1e9, 1e9)


@st.composite
def decisions(draw):
    return {
        "decision_id": f"card-fraud.events:0:{draw(st.integers(0, 99))}",
        "occurred_at_ms": draw(moments),
        "feature_set": draw(st.sampled_from([CHARTER.feature_set.digest] * 4 + [OTHER])),
        "features": [draw(numbers)] * len(NAMES),
        "model": draw(st.sampled_from(["linear", "forest"])),
        "model_version": "7",
        "score": draw(st.floats(0, 1)),
        "action": draw(st.sampled_from(["approve", "review"])),
        "fallback": draw(st.sampled_from(["", "", "model_failed"])),
        "deadline_missed": draw(st.booleans()),
        "late": draw(st.booleans()),
    }


def stretch(records, first=0, **more):
    offsets = range(first, first + len(records))
    return Stretch("the.topic", 3, offsets, [MONDAY_MS] * len(records), **more)


def in_batches(sketch, records, cuts):
    """Sketch records that come in several batches."""
    bounds = sorted({0, len(records), *(cut % len(records) for cut in cuts)})
    return [
        each
        for first, end in pairwise(bounds)
        for each in sketch(stretch(records[first:end], first), records[first:end], UNTIL_MS)
    ]


@given(
    records=st.lists(decisions() | st.just({}), min_size=1, max_size=30),
    cuts=st.lists(st.integers(0, 30), max_size=4),
)
def test_the_sum_over_sketches_is_that_of_the_decisions_however_they_are_cut(records, cuts):
    sketches = in_batches(Sketcher(SEGMENTED, []).decisions, records, cuts)
    counts, bins, sums = summed(sketches)
    told, told_bins, told_sums = of_decisions(SEGMENTED, records, UNTIL_MS)
    assert (counts, bins) == (told, told_bins)
    assert sums.keys() == told_sums.keys()
    assert all(math.isclose(sums[name], told_sums[name], abs_tol=1e-3) for name in sums)
    offsets = [
        each for one in sketches for each in range(one["first_offset"], one["last_offset"] + 1)
    ]
    assert offsets == [*range(len(records))]
    for sketch in sketches:
        assert sketch["hour_of_week"] in range(-1, 168)
        own = records[sketch["first_offset"] : sketch["last_offset"] + 1]
        models = {each["model"] for each in own if each}
        assert sketch["model"] == next(iter(models), "")
        assert len(models) <= 1


@given(records=st.lists(decisions() | st.just({}), min_size=1, max_size=5))
def test_a_sketch_can_be_written_and_read(records):
    for sketch in SKETCHER.decisions(stretch(records), records, UNTIL_MS):
        read = Decoder(SCHEMA, lambda _: SCHEMA, 1_048_576)
        assert read(Encoder(SCHEMA, 1)(sketch)) == sketch


@given(records=st.lists(decisions(), min_size=1, max_size=20))
def test_numbers_alone_give_the_same_histograms_as_decisions(records):
    records = [
        {**each, "feature_set": CHARTER.feature_set.digest, "model": "m"} for each in records
    ]
    scores = [math.nan if each["fallback"] else each["score"] for each in records]
    alone = SKETCHER.vectors(
        stretch(records),
        np.array([each["features"] for each in records]),
        np.array(scores),
        np.array([each["occurred_at_ms"] for each in records]),
        UNTIL_MS,
        Model("m", "7"),
    )
    whole = SKETCHER.decisions(stretch(records), records, UNTIL_MS)
    said_otherwise = {"counts": [], "example": ""}
    assert [{**each, **said_otherwise} for each in alone] == [
        {**each, **said_otherwise} for each in whole
    ]


def read_back(name, records, *kept):
    """The records as they are read from their bytes."""
    schema = load_schema(name)
    decode = Decoder(schema, lambda _: schema, 1_048_576, *kept)
    return [decode(Encoder(schema, 1)(each)) if each else {} for each in records]


@given(records=st.lists(decisions() | st.just({}), min_size=1, max_size=5))
def test_what_is_read_of_decisions_gives_the_sketches_that_all_of_them_would_give(records):
    name = "platform/DecisionMade"
    example = load_example(example_files(name)[-1], load_schema(name))
    records = [{**example, **each} if each else {} for each in records]
    whole, kept = read_back(name, records), read_back(name, records, Decisions._fields)
    assert kept == [{field: each[field] for field in Decisions._fields if each} for each in whole]
    assert sketched(SKETCHER.decisions, kept) == sketched(SKETCHER.decisions, whole)


def test_what_is_read_of_events_and_dead_letters_is_enough():
    event, letter = "card-fraud/Transaction", "platform/DeadLettered"
    of = {
        event: (SKETCHER.events, SKETCHER.event_fields),
        letter: (SKETCHER.letters, LETTER_FIELDS),
    }
    for name, (sketch, fields) in of.items():
        records = [load_example(path, load_schema(name)) for path in example_files(name)]
        kept = read_back(name, records, fields)
        assert sketched(sketch, kept) == sketched(sketch, read_back(name, records))


def sketched(sketch, records):
    return sketch(stretch(records, values=[bytes(5)] * len(records)), records, UNTIL_MS)


def decision(**changes):
    return {
        "decision_id": "card-fraud.events:0:1",
        "occurred_at_ms": MONDAY_MS,
        "feature_set": CHARTER.feature_set.digest,
        "features": [1.0] * len(NAMES),
        "model": "forest",
        "model_version": "7",
        "score": 0.5,
        "action": "approve",
        "fallback": "",
        "deadline_missed": False,
        "late": False,
        **changes,
    }


def test_a_sketch_says_of_which_records_it_is_and_names_the_last_decision():
    records = [decision(), decision(decision_id="last", score=0.75), {}]
    (sketch,) = SKETCHER.decisions(stretch(records, 40), records, UNTIL_MS)
    about = {name: value for name, value in sketch.items() if name not in ("histograms", "counts")}
    assert about == {
        "use_case": "card-fraud",
        "source_topic": "the.topic",
        "source_partition": 3,
        "first_offset": 40,
        "last_offset": 42,
        "records": 3,
        "hour_of_week": 0,
        "start_ms": MONDAY_MS,
        "end_ms": MONDAY_MS,
        "model": "forest",
        "model_version": "7",
        "example": "last",
    }
    assert sketch["histograms"][-1] == {
        "name": "score",
        "sum": 1.25,
        "bins": [0, 4],
        "counts": [1, 1],
    }
    assert [each["name"] for each in sketch["histograms"]] == [*NAMES, "score"]
    assert [(each["name"], each["records"]) for each in sketch["counts"]] == [
        ("action/approve", 2),
        ("unreadable", 1),
    ]


def test_scores_are_sketched_by_segment_too():
    new, weekend = NAMES.index("card_new"), NAMES.index("weekend")
    vectors = [[1.0] * len(NAMES) for _ in range(4)]
    vectors[1][new], vectors[2][new], vectors[3][weekend] = 0.0, 0.0, 0.5
    scores = [0.5, 0.5, 0.75, 0.75]
    records = [
        decision(features=vector, score=score)
        for vector, score in zip(vectors, scores, strict=True)
    ]
    records += [decision(fallback="model_failed"), decision(feature_set=OTHER), {}]
    (sketch,) = Sketcher(SEGMENTED, []).decisions(stretch(records), records, UNTIL_MS)
    (unsegmented,) = SKETCHER.decisions(stretch(records), records, UNTIL_MS)
    usual = len(unsegmented["histograms"])
    assert sketch["histograms"][:usual] == unsegmented["histograms"]
    assert [(each["name"], each["sum"]) for each in sketch["histograms"][usual:]] == [
        ("score/card_new=0", 1.25),
        ("score/card_new=1", 1.25),
        ("score/weekend=other", 0.75),
        ("score/weekend=1", 1.75),
    ]


def test_a_score_that_is_no_probability_is_binned_as_the_number_that_it_is():
    demand = Charter.load(Path(__file__).parents[2] / "support/charters/demand.toml")
    names = demand.feature_set.names
    features = {"features": [1.0] * len(names), "feature_set": demand.feature_set.digest}
    records = [decision(**features, score=12.5)]
    (sketch,) = Sketcher(demand, []).decisions(stretch(records), records, UNTIL_MS)
    number = sketch["histograms"][-1]["bins"][0]
    low, high = NUMBERS.edges(number)
    assert low <= 12.5 < high


def test_a_sketch_in_which_nothing_can_be_read_names_no_model():
    records = [*[decision(model="forest")] * 500, {}, decision(model="linear")]
    sketches = SKETCHER.decisions(stretch(records), records, UNTIL_MS)
    told = [(each["model"], each["records"], each["hour_of_week"]) for each in sketches]
    assert told == [("forest", 500, 0), ("", 1, UNKNOWN), ("linear", 1, 0)]


def test_what_is_no_number_is_in_no_bin():
    records = [decision(features=[math.inf, math.nan, *[1.0] * (len(NAMES) - 2)])]
    (sketch,) = SKETCHER.decisions(stretch(records), records, UNTIL_MS)
    assert [each["name"] for each in sketch["histograms"]] == [*NAMES[2:], "score"]


def event(at_ms, distance_km):
    return {"occurred_at_ms": at_ms, "distance_km": distance_km}


def counts_of(sketch):
    return {each["name"]: each["records"] for each in sketch["counts"]}


def test_of_events_it_counts_nulls_schemas_and_what_cannot_be_read():
    records = [event(MONDAY_MS, None), event(MONDAY_MS, 2.0), {}, event(-5, None)]
    framing = {7: bytes([0, 0, 0, 0, 7]), 258: bytes([0, 0, 0, 1, 2])}
    values = [framing[7] + b"x", framing[7], b"\xff", framing[258] + b"y"]
    (sketch,) = SKETCHER.events(stretch(records, values=values), records, UNTIL_MS)
    assert counts_of(sketch) == {
        "null/distance_km": 2,
        "schema/7": 2,
        "schema/258": 1,
        "unreadable": 1,
        "untimed": 1,
    }
    assert (sketch["records"], sketch["hour_of_week"]) == (4, 0)
    assert (sketch["model"], sketch["example"], sketch["histograms"]) == ("", "", [])


def test_of_dead_letters_it_counts_reasons_by_when_their_records_came():
    came_ms = MONDAY_MS + 3 * HOUR_MS
    letters = [{"source_timestamp_ms": came_ms, "reason": each} for each in ("future", "future")]
    (sketch,) = SKETCHER.letters(stretch([*letters, {}]), [*letters, {}], UNTIL_MS)
    assert counts_of(sketch) == {"reason/future": 2, "unreadable": 1}
    assert (sketch["hour_of_week"], sketch["start_ms"]) == (3, came_ms)


@pytest.mark.parametrize("sketch", [SKETCHER.events, SKETCHER.decisions, SKETCHER.letters])
def test_where_nothing_can_be_read_nobody_knows_the_hour(sketch):
    records = [{}, {}]
    (told,) = sketch(stretch(records, values=[b"", b""]), records, UNTIL_MS)
    assert (told["hour_of_week"], told["model"], told["example"]) == (UNKNOWN, "", "")
    assert told["start_ms"] == told["end_ms"] == MONDAY_MS
    assert counts_of(told) == {"unreadable": 2}
