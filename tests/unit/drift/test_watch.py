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
from headrace.drift.outcomes import BASE_RATE
from headrace.drift.recording import Evidence, signal_changed
from headrace.drift.shares import SHARES, kind_of
from headrace.drift.watch import Watch
from headrace.usecase.charter import Charter
from headrace.usecase.drift import Drift
from support.drifting import DAY_MS, STEP_MS, Traffic

CHARTER = Charter.load(shipped("deploy") / "charters" / "card-fraud.toml")
SEGMENTED = CHARTER.model_copy(update={"drift": Drift(segments=("card_new", "weekend"))})
NULLABLE = nullable_fields(CHARTER.events.schema)
FEATURE = "amount_minor"
QUIET = 300
"""Steps of six hours: windows are full after 120, all is known of outcomes after 244."""
SCHEMA = load_schema("platform/SignalChanged")


def watch(charter=CHARTER):
    return Watch(charter, NULLABLE)


def taken(watching, record):
    take = watching.outcome if "decision_id" in record else watching.sketch
    return list(take(record))


def step(traffic, rnd, **changes):
    """Return the records of six hours."""
    events, decisions = changes.get("events", {}), changes.get("decisions", {})
    records = [traffic.events(**events), traffic.decisions(**decisions)]
    if letters := changes.get("letters"):
        records.append(traffic.letters(letters))
    for number in range(15):
        is_fraud = rnd.random() < 0.2
        score = (
            rnd.betavariate(6, 2)
            if is_fraud and "concept" not in changes
            else rnd.betavariate(2, 6)
        )
        features = {"card_new": changes.get("new", 1) if number % 3 == 0 else 0}
        records.append(traffic.outcome(is_fraud, score, features=features))
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


def another_quiet():
    """Return a copy: quiet takes long. What never changes is shared."""
    shared = (CHARTER, CHARTER.feature_set)
    return copy.deepcopy(quiet(), {id(each): each for each in shared})


@pytest.fixture
def story():
    told = another_quiet()
    assert told.noticed == []
    return told


def test_the_shares_of_all_monitors_add_up_to_one():
    shares = watch().shares
    assert sum(SHARES.values()) == pytest.approx(1)
    assert sum(shares.values()) == pytest.approx(1)
    assert {kind_of(subject) for subject in shares} == {kind_of(each) for each in SHARES}
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
    told = another_quiet()
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


def test_decisions_that_the_rules_make_are_of_no_other_model(story):
    assert story.steps(10, decisions={"shifts": {"score": 3}}) == [("score/served", True)]
    ruled = story.traffic.decisions(model="rules", counts={"fallback/model_failed": 3})
    assert taken(story.watch, ruled | {"model_version": "", "histograms": [], "records": 3}) == []
    assert story.watch.kept["score/served"].raised is not None
    assert story.steps(10, decisions={"counts": {"fallback/late": 99}}) == [
        ("serving/fallback", True)
    ]
    assert story.noticed[-1].model == "scorecard"


def test_what_has_drifted_and_is_watched_no_more_is_over(story):
    raised = story.steps(10, events={"counts": {"null/distance_km": 100}})
    assert raised == [("quality/null/distance_km", True)]
    state, event = written(story.watch), story.traffic.events()
    again = restored(state, Watch(CHARTER, []))
    [over] = taken(again, event)
    assert (over.subject, over.change.is_raised) == ("quality/null/distance_km", False)
    assert over.change.reason == "it is watched no more"
    assert taken(again, event) == []
    state |= written(again)
    assert taken(restored(state, Watch(CHARTER, [])), event) == [], "it was told already"
    assert taken(restored(state, watch()), event) == []


def test_positives_that_the_model_does_not_see_any_more_are_a_drift_of_the_concept(story):
    found = story.steps(40, concept=True)
    kinds = {kind_of(subject) for subject, is_raised in found if is_raised}
    assert "concept" in kinds <= {"concept", "calibration"}
    first = next(each for each in story.noticed if each.kind == "concept")
    assert (first.model, first.model_version) == ("scorecard", "")
    record = signal_changed("card-fraud", first, Evidence("card-fraud.outcomes", 0, 7))
    if first.subject == "concept/positives":
        assert record["before"] > 2 * record["after"]


def outcomes(traffic, rnd, count, *, unseen=()):
    """Outcomes of which one in three is of a new card, and one in five a fraud.

    Frauds get high scores, but for those of which ``card_new`` is unseen.
    """
    made = []
    for number in range(count):
        is_fraud, new = rnd.random() < 0.2, int(number % 3 == 0)
        is_seen = is_fraud and new not in unseen
        score = rnd.betavariate(6, 2) if is_seen else rnd.betavariate(2, 6)
        made.append(traffic.outcome(is_fraud, score, features={"card_new": new}))
        if number % 15 == 14:
            traffic.passes()
    return made


@pytest.fixture
def segmented():
    """A watch of segments that has seen 6,000 outcomes, and who makes more."""
    traffic, rnd, watching = Traffic(SEGMENTED, 4), random.Random(4), watch(SEGMENTED)
    taken(watching, traffic.outcome(False, 0.5))
    for _ in range(62 * DAY_MS // STEP_MS):
        traffic.passes()
    assert [taken(watching, each) for each in outcomes(traffic, rnd, 6_000)] == [[]] * 6_000
    return watching, traffic, rnd


def test_a_drift_of_the_concept_in_one_segment_is_told_of_that_segment(segmented):
    watching, traffic, rnd = segmented
    drifting = outcomes(traffic, rnd, 1_500, unseen=[1])
    noticed = [each for record in drifting for each in taken(watching, record)]
    raised = {each.subject for each in noticed if each.change.is_raised}
    assert "concept/positives/card_new=1" in raised
    assert not [subject for subject in raised if subject.endswith("/card_new=0")]
    first = next(each for each in noticed if each.subject == "concept/positives/card_new=1")
    record = signal_changed("card-fraud", first, Evidence("card-fraud.outcomes", 0, 7))
    assert (record["kind"], record["segment"]) == ("concept", "card_new=1")
    assert record["measure"] == "score that positives get (geometric mean)"
    assert record["before"] > 2 * record["after"]
    assert record["model"] == "scorecard"


def test_scores_that_shift_in_one_segment_are_told_of_that_segment():
    traffic, watching, noticed = Traffic(SEGMENTED, 3), watch(SEGMENTED), []
    shifted = {"score/card_new=1": 3}
    for number in range(2 * QUIET + 40):  # a sketch makes half a block of each
        sketch = traffic.decisions(shifted if number >= 2 * QUIET else {})
        noticed += taken(watching, sketch)
        traffic.passes()
    assert [each.subject for each in noticed if each.change.is_raised] == [
        "score/served/card_new=1"
    ]
    assert noticed[0].change.examples == [], "the sketch's is of no segment"
    record = signal_changed("card-fraud", noticed[0], Evidence("card-fraud.sketches", 0, 7))
    assert (record["segment"], record["measure"]) == ("card_new=1", "mean score")
    found = taken(watching, traffic.decisions(model="forest"))
    assert [(each.subject, each.change.reason) for each in found] == [
        ("score/served/card_new=1", "another model serves")
    ]


def test_segments_share_half_of_what_all_events_are_allowed(segmented):
    watching, traffic, _ = segmented
    usual, before = watch().shares, watch(SEGMENTED).shares
    assert sum(before.values()) < 1
    taken(watching, traffic.decisions())
    shares = watching.shares
    of_segments = {each: share for each, share in shares.items() if "=" in each}
    assert sum(shares.values()) == pytest.approx(1)
    assert before.keys() == usual.keys() == shares.keys() - of_segments.keys()
    for subject, share in usual.items():
        is_halved = subject == BASE_RATE or kind_of(subject) in ("score", "concept", "calibration")
        assert shares[subject] == pytest.approx(share / 2 if is_halved else share)
    concept = [share for each, share in of_segments.items() if kind_of(each) == "concept"]
    assert len(concept) == 12, "three measures, of two values each of two features"
    assert concept == pytest.approx([SHARES["concept"] / 2 / 12] * 12)


def test_a_segment_that_was_not_named_for_a_while_is_watched_from_its_beginning(segmented):
    watching, traffic, rnd = segmented
    kept = {name: each.slots() for name, each in watching.kept.items()}
    (parts,) = kept["outcomes"].values()
    del parts["parts"]["card_new=1"]
    again = watch(SEGMENTED)
    for name in ("outcomes", *kept):
        again.restore(name, kept[name])
    assert "concept/positives/card_new=1" not in again.kept
    assert "concept/positives/card_new=0" in again.kept
    for each in outcomes(traffic, rnd, 30):
        taken(again, each)
    assert again.kept["calibration/score/card_new=1"].taken <= 10


def test_what_no_labelling_writes_is_passed_over(segmented):
    watching, traffic, _ = segmented
    odd = traffic.outcome(True, 0.5)
    before = set(watching.kept)
    assert taken(watching, {**odd, "source": "a=b"}) == []
    assert taken(watching, {**odd, "score": float("nan")}) == []
    assert set(watching.kept) == before


def test_segments_that_the_charter_does_not_name_are_not_watched(story):
    record = story.traffic.decisions()
    record["histograms"].append({**record["histograms"][-1], "name": "score/night=1"})
    assert taken(story.watch, record) == []
    assert not [name for name in story.watch.kept if "=" in name]


def test_after_as_many_values_as_are_followed_all_others_are_watched_as_one():
    record, watching = Traffic(SEGMENTED, 3).decisions(), watch(SEGMENTED)
    histogram = record["histograms"][-1]
    record["histograms"] = [
        {**histogram, "name": f"score/card_new={value}"} for value in (*range(9), 3, "other")
    ]
    assert taken(watching, record) == []
    again = restored(written(watching))
    record["histograms"] = [{**histogram, "name": "score/card_new=99"}]
    assert taken(again, record) == []
    for each in (watching, again):
        of_segments = {name.rpartition("=")[2] for name in each.kept if "=" in name}
        assert of_segments == {*"01234567", "other"}


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
    traffic, rnd = Traffic(SEGMENTED, 5), random.Random(5)
    records = [each for _ in range(QUIET) for each in step(traffic, rnd)]
    shifted = {"decisions": {"shifts": {FEATURE: 3, "score/card_new=1": 4}}, "letters": 90}
    records += [each for _ in range(12) for each in step(traffic, rnd, **shifted, concept=True)]
    records += [each for _ in range(30) for each in step(traffic, rnd, new=2)]
    records += [
        each for _ in range(3) for each in step(traffic, rnd, decisions={"model": "forest"})
    ]
    watching, states, noticed, state = watch(SEGMENTED), [], [], {}
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


def restored(state, again=None):
    again, slots = again or watch(SEGMENTED), {}
    for (name, slot), body in sorted(state.items(), reverse=True):  # in whatever order
        slots.setdefault(name, {})[slot] = orjson.loads(body)
    for name, each in slots.items():
        again.restore(name, each)
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
    again = restored(states[cut - 1]) if cut else watch(SEGMENTED)
    assert [taken(again, record) for record in records[cut:]] == noticed[cut:]
    assert whole_of(again) == whole_of(whole)


def test_much_happens_in_that_history():
    _, _, noticed, whole = history()
    subjects = {each.subject for found in noticed for each in found}
    assert {f"input/{FEATURE}", "quality/dead_letters"} <= subjects
    assert any(subject.startswith("concept/") for subject in subjects)
    assert "concept/positives/card_new=2" in whole.kept, "it comes late"
