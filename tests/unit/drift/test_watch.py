"""All that is watched of a use case together: what drifts is told, and nothing else is."""

import copy
import random
from functools import cache

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.contracts.codec import Decoder, Encoder
from headrace.contracts.location import shipped
from headrace.contracts.schemas import load_schema, nullable_fields
from headrace.drift.recording import Evidence, signal_changed
from headrace.drift.shares import SHARES, kind_of
from headrace.drift.watch import Watch
from headrace.usecase.charter import Charter
from support.drifting import STEP_MS, Traffic

CHARTER = Charter.load(shipped("deploy") / "charters" / "card-fraud.toml")
NULLABLE = nullable_fields(CHARTER.events.schema)
FEATURE = "amount_minor"
QUIET = 300
"""Steps of six hours: windows are full after 120, all is known of outcomes after 244."""
SCHEMA = load_schema("platform/SignalChanged")


def watch():
    return Watch(CHARTER, NULLABLE)


def taken(watching, record):
    take = watching.outcome if "decision_id" in record else watching.sketch
    return list(take(record))


def step(traffic, rnd, **changes):
    """Return the records of six hours."""
    events, decisions = changes.get("events", {}), changes.get("decisions", {})
    records = [traffic.events(**events), traffic.decisions(**decisions)]
    if letters := changes.get("letters"):
        records.append(traffic.letters(letters))
    for _ in range(15):
        is_fraud = rnd.random() < 0.2
        score = (
            rnd.betavariate(6, 2)
            if is_fraud and "concept" not in changes
            else rnd.betavariate(2, 6)
        )
        records.append(traffic.outcome(is_fraud, score))
    traffic.passes()
    return records


class Story:
    """Quiet traffic, then what a test says."""

    def __init__(self):
        self.traffic, self.rnd = Traffic(CHARTER, 3), random.Random(3)
        self.watch, self.noticed = watch(), []
        self.steps(QUIET)

    def steps(self, count, **changes):
        """Go on for a while; return what is noticed."""
        found = []
        for _ in range(count):
            for record in step(self.traffic, self.rnd, **changes):
                found += taken(self.watch, record)
        self.noticed += found
        return [(each.subject, each.change.is_raised) for each in found]


@cache
def quiet():
    return Story()


@pytest.fixture
def story():
    told = copy.deepcopy(quiet())
    assert told.noticed == []
    return told


def test_the_shares_of_all_monitors_add_up_to_one():
    shares = watch().shares
    assert sum(SHARES.values()) == pytest.approx(1)
    assert sum(shares.values()) == pytest.approx(1)
    assert {kind_of(subject) for subject in shares} == set(SHARES)
    assert f"input/{FEATURE}" in shares
    assert {"quality/null/distance_km", "label/delay/chargeback", "serving/late"} <= set(shares)


@pytest.mark.parametrize("subject", watch().shares)
def test_whatever_is_noticed_can_be_told(subject, story_of_a_shift):
    noticed = story_of_a_shift[0]._replace(subject=subject, kind=kind_of(subject))
    record = signal_changed("card-fraud", noticed, Evidence("card-fraud.sketches", 0, 7))
    written = Encoder(SCHEMA, 1)(record)
    assert Decoder(SCHEMA, lambda _: SCHEMA, 10**6)(written) == record
    assert record["measure"]
    assert record["signal_id"] == f"{subject}@{record['since_ms']}"


@pytest.fixture(scope="module")
def story_of_a_shift():
    told = copy.deepcopy(quiet())
    told.steps(20, decisions={"shifts": {FEATURE: 2}})
    told.steps(60)
    return told.noticed


def test_a_feature_that_shifts_is_raised_and_cleared_and_nothing_else_is(story_of_a_shift):
    raised, cleared = story_of_a_shift
    assert [raised.subject, cleared.subject] == [f"input/{FEATURE}"] * 2
    assert (raised.kind, raised.model) == ("input", "")
    assert raised.change.is_raised
    began_ms = raised.change.began_ms - Traffic(CHARTER, 0).now_ms
    assert began_ms // STEP_MS in range(QUIET - 2, QUIET + 2)
    assert raised.change.sized.after - raised.change.sized.before == pytest.approx(2, abs=0.6)
    assert [each.feature for each in raised.shifts] == [FEATURE]
    assert raised.once_in >= CHARTER.drift.once_in
    assert cleared.change.reason == "it is as before"
    assert cleared.once_in == raised.once_in
    assert cleared.shifts == []


def test_a_field_that_is_null_more_often_is_a_matter_of_quality(story):
    found = story.steps(10, events={"counts": {"null/distance_km": 100}})
    assert found == [("quality/null/distance_km", True)]
    assert story.noticed[0].change.sized.before == 0
    assert 0.05 < story.noticed[0].change.sized.after <= 0.2


def test_dead_letters_are(story):
    assert story.steps(10, letters=100) == [("quality/dead_letters", True)]
    assert 0.05 < story.noticed[0].change.sized.after <= 1 / 6


def test_another_schema_is(story):
    assert story.steps(10, events={"counts": {"schema/1": 0, "schema/2": 500}}) == [
        ("quality/schema", True)
    ]


def test_far_fewer_events_are(story):
    (found, *more) = story.steps(40, events={"records": 50})
    assert found == ("quality/volume", True)
    assert {subject for subject, _ in more} <= {"quality/volume"}
    assert story.noticed[0].change.sized.after < -0.3


def test_deciding_without_the_model_is_a_matter_of_serving(story):
    counts = {"fallback/model_failed": 60, "fallback/no_model": 40, "late": 0}
    assert story.steps(10, decisions={"counts": counts}) == [("serving/fallback", True)]
    assert story.noticed[0].model == "scorecard"
    assert 0.05 < story.noticed[0].change.sized.after <= 0.2


def test_scores_that_shift_are_told_of_the_model_but_not_those_of_another(story):
    assert story.steps(10, decisions={"shifts": {"score": 3}}) == [("score/served", True)]
    assert story.noticed[0].model == "scorecard"
    assert story.steps(20, decisions={"model": "forest"}) == [("score/served", False)]
    assert story.noticed[1].change.reason == "another model serves"
    assert story.steps(150, decisions={"model": "forest", "shifts": {"score": 3}}) == []


def test_decisions_that_nobody_can_read_are_of_no_other_model(story):
    assert story.steps(10, decisions={"shifts": {"score": 3}}) == [("score/served", True)]
    unread = story.traffic.decisions(model="") | {"histograms": [], "records": 3}
    assert taken(story.watch, unread) == []
    assert story.watch.kept["score/served"].raised is not None


def test_positives_that_the_model_does_not_see_any_more_are_a_drift_of_the_concept(story):
    found = story.steps(40, concept=True)
    kinds = {kind_of(subject) for subject, is_raised in found if is_raised}
    assert "concept" in kinds <= {"concept", "calibration"}
    first = next(each for each in story.noticed if each.kind == "concept")
    assert (first.model, first.model_version) == ("scorecard", "")
    record = signal_changed("card-fraud", first, Evidence("card-fraud.outcomes", 0, 7))
    if first.subject == "concept/positives":
        assert record["before"] > 2 * record["after"]


def test_a_label_of_a_source_that_nobody_declared_is_watched_for_what_it_says(story):
    unknown = story.traffic.outcome(True, 0.5, source="somebody")
    assert taken(story.watch, unknown) == []


def test_sketches_of_other_topics_say_nothing(story):
    before = {name: kept.slots() for name, kept in story.watch.kept.items()}
    other = story.traffic.events() | {"source_topic": "card-fraud.audits"}
    assert taken(story.watch, other) == []
    assert {name: kept.slots() for name, kept in story.watch.kept.items()}.keys() == before.keys()


def test_a_sum_that_is_no_number_can_be_kept(story):
    record = story.traffic.decisions()
    record["histograms"][0]["sum"] = float("inf")
    assert taken(story.watch, record) == []
    assert b"null" not in orjson.dumps(
        story.watch.kept[f"input/{record['histograms'][0]['name']}"].slots()[0]["block_total"]
    )


@cache
def history():
    """Records in which much happens, the state after each, and what was noticed with each."""
    traffic, rnd = Traffic(CHARTER, 5), random.Random(5)
    records = [each for _ in range(QUIET) for each in step(traffic, rnd)]
    shifted = {"decisions": {"shifts": {FEATURE: 3}}, "letters": 90}
    records += [each for _ in range(12) for each in step(traffic, rnd, **shifted, concept=True)]
    records += [each for _ in range(30) for each in step(traffic, rnd)]
    records += [
        each for _ in range(3) for each in step(traffic, rnd, decisions={"model": "forest"})
    ]
    watching, states, noticed, state = watch(), [], [], {}
    for record in records:
        noticed.append(taken(watching, record))
        state = state | written(watching)
        states.append(state)
    return records, states, noticed, watching


def written(watching):
    """What a stream would write, as bytes, by name and slot."""
    found = {}
    for name in watching.touched:
        for slot, parts in watching.kept[name].slots().items():
            found[name, slot] = orjson.dumps(parts, default=list)
    watching.touched.clear()
    return found


def restored(state):
    again = watch()
    for name, kept in again.kept.items():
        slots = {slot: orjson.loads(body) for (held, slot), body in state.items() if held == name}
        if slots:
            kept.restore(slots)
    return again


def whole_of(watching):
    """All that is kept, whether it has changed or not."""
    return {
        name: kept.now() | kept.usual() if hasattr(kept, "usual") else kept.slots()
        for name, kept in watching.kept.items()
    }


@settings(max_examples=5)
@given(st.data())
def test_it_goes_on_exactly_where_it_was_wherever_it_is_cut(data):
    records, states, noticed, whole = history()
    late = st.integers(len(records) - 600, len(records) - 1)
    cut = data.draw(st.one_of(late, late, late, st.integers(0, len(records) - 1)))
    again = restored(states[cut - 1]) if cut else watch()
    assert [taken(again, record) for record in records[cut:]] == noticed[cut:]
    assert whole_of(again) == whole_of(whole)


def test_much_happens_in_that_history():
    _, _, noticed, _ = history()
    subjects = {each.subject for found in noticed for each in found}
    assert {f"input/{FEATURE}", "quality/dead_letters"} <= subjects
    assert any(subject.startswith("concept/") for subject in subjects)
