"""What outcomes tell: of the model that serves, once all is known, and once each."""

from math import exp, log

import orjson
import pytest

from headrace.contracts.location import shipped
from headrace.drift.monitor import Value
from headrace.drift.outcomes import (
    BASE_RATE,
    CALIBRATION,
    DELAY,
    ERRORS,
    NEGATIVES,
    POSITIVES,
    OutcomeStreams,
    measure_of,
    shown,
)
from headrace.usecase.charter import Charter
from headrace.usecase.drift import Drift
from headrace.usecase.segments import Segments

DAY_MS = 86_400_000
SETTLED_MS = 10 * DAY_MS
SHIPPED = Charter.load(shipped("deploy") / "charters" / "card-fraud.toml")
CHARTER = SHIPPED.model_copy(update={"drift": Drift(segments=("card_new",))})
NAMES = CHARTER.feature_set.names


def outcome(day, value=False, **others):
    at_ms = round(day * DAY_MS)
    return {
        "decision_id": f"decision-{day}",
        "occurred_at_ms": at_ms,
        "known_at_ms": at_ms + 2 * DAY_MS,
        "delay_ms": 2 * DAY_MS,
        "model": "logistic",
        "fallback": "",
        "score": 0.1,
        "value": value,
        "source": "analyst",
        "replaces": None,
        **others,
    }


def streams(unscaled=""):
    """Those of a model whose first event happened on day 0."""
    made = OutcomeStreams(SETTLED_MS, unscaled)
    assert made.is_another_model(outcome(0))
    return made


def subjects(made, *records):
    return [seen.subject for record in records for seen in made.values(record)]


def test_nothing_is_told_until_the_first_event_could_have_become_known():
    made = streams()
    assert subjects(made, outcome(7.9)) == []
    assert subjects(made, outcome(8)) == [f"{DELAY}analyst"]
    assert made.seen == 1


def test_an_outcome_tells_how_late_it_came_and_a_positive_what_it_got():
    (delay, positive, *_) = streams().values(outcome(20, True, score=0.25))
    assert delay == (f"{DELAY}analyst", Value(log(2 * DAY_MS + 1), 22 * DAY_MS, "decision-20"))
    assert shown(delay.subject, delay.value.value) == pytest.approx(2)
    assert positive.subject == POSITIVES
    assert shown(POSITIVES, positive.value.value) == pytest.approx(0.25)


@pytest.mark.parametrize(
    "other",
    [
        {"replaces": False},
        {"value": None},
        {"fallback": "model_failed"},
        {"model": "scorecard"},
        {"occurred_at_ms": -DAY_MS},
    ],
    ids=["a correction", "censored", "decided by rules", "another's", "when it served before"],
)
def test_what_says_nothing_of_the_model_that_serves_does_not_count(other):
    made = streams()
    assert subjects(made, outcome(20, True) | other) == []
    assert made.seen == 0


def test_a_positive_tells_what_the_negatives_before_it_have_cost():
    made = streams()
    records = [outcome(20, score=0.2), outcome(20, score=0.4), outcome(20, True, score=0.5)]
    found = [seen for each in records for seen in made.values(each)]
    (loss,) = [seen.value for seen in found if seen.subject == NEGATIVES]
    assert exp(loss.value) == pytest.approx(-(log(0.8) + log(0.6)) / 2)
    assert NEGATIVES not in subjects(made, outcome(20, True)), "there was none in between"


def often(made, subject, records):
    found = [seen for each in records for seen in made.values(each)]
    return [exp(seen.value.value) for seen in found if seen.subject == subject]


def test_each_positive_tells_how_often_positives_come_and_how_often_they_were_expected_to():
    made = streams()
    records = [outcome(20, n % 5 == 4, score=0.1) for n in range(15)]
    assert often(made, BASE_RATE, records) == pytest.approx([1 / 5] * 3)
    assert often(streams(), CALIBRATION, records) == pytest.approx([2.0] * 3), "twice as often"


def test_each_error_tells_how_often_scores_are_on_the_wrong_side_of_one_half():
    said = [(0.1, False), (0.9, True), (0.6, False), (0.5, True), (0.4, True), (0.5, False)]
    records = [outcome(20, value, score=score) for score, value in said]
    assert often(streams(), ERRORS, records) == pytest.approx([1 / 3, 1 / 2, 1])


def test_that_no_positive_comes_any_more_is_told_before_one_does():
    records = [outcome(20, n % 5 == 4, score=0.2) for n in range(500)]
    silence = [outcome(20, False, score=0.2) for _ in range(500)]
    made = streams()
    often(made, BASE_RATE, records)
    told = often(made, BASE_RATE, silence)
    assert len(told) >= 5
    assert max(told) < 1 / 40
    made = streams()
    often(made, CALIBRATION, records)
    quieter = [outcome(20, False, score=0.002) for _ in range(500)]
    assert often(made, CALIBRATION, quieter) == [], "none came, and none was expected"
    assert max(often(made, CALIBRATION, silence)) < 1 / 8


def test_scores_that_are_no_probabilities_tell_of_labels_only():
    made = streams(unscaled="logistic")
    found = subjects(made, *(outcome(20, n % 5 == 0, score=17.0) for n in range(500)))
    assert set(found) == {BASE_RATE, f"{DELAY}analyst"}


def test_another_model_serves_once_something_later_was_decided_by_it():
    made = streams()
    assert not made.is_another_model(outcome(30))
    assert not made.is_another_model(outcome(31, model="forest", fallback="model_failed"))
    assert not made.is_another_model(outcome(29, model="forest")), "it has served before"
    assert made.is_another_model(outcome(31, model="forest"))
    assert made.model == "forest"
    assert subjects(made, outcome(38, model="forest")) == []
    assert subjects(made, outcome(39, model="forest")) == [f"{DELAY}analyst"]


def test_what_becomes_known_late_of_the_model_before_ends_nothing():
    made = streams()
    made.is_another_model(outcome(10, model="forest"))
    for day in range(11, 30):
        assert not made.is_another_model(outcome(day, model="forest"))
    assert not made.is_another_model(outcome(10.5)), "decided while models were swapped"
    assert made.model == "forest"


def test_a_score_of_nothing_or_of_all_is_a_loss_that_is_a_number():
    made = streams()
    for score, value in ((0.0, True), (1.0, False), (1.0, True)):
        for _ in range(20):
            assert all(
                seen.value.value < 50 for seen in made.values(outcome(20, value, score=score))
            )


def test_every_stream_has_a_measure():
    for subject in (POSITIVES, NEGATIVES, ERRORS, CALIBRATION, BASE_RATE, f"{DELAY}analyst"):
        assert measure_of(subject)


def segmented():
    """Those of a charter that names a segment."""
    made = OutcomeStreams(SETTLED_MS, segments=Segments(CHARTER))
    assert made.is_another_model(outcome(0))
    return made


def of(card_new, value=False, day=20, **others):
    """An outcome of a segment."""
    features = [float(card_new) if name == "card_new" else 0.0 for name in NAMES]
    vector = {"feature_set": CHARTER.feature_set.digest, "features": features}
    return outcome(day, value, **{**vector, **others})


def test_what_outcomes_tell_of_all_of_them_they_tell_of_their_segments():
    made = segmented()
    records = [of(0), of(1), of(1), of(0, True), of(1, True)]
    found = [seen for each in records for seen in made.values(each)]
    assert [each.subject for each in found if each.subject.startswith(BASE_RATE)] == [
        BASE_RATE,
        f"{BASE_RATE}/card_new=0",
        BASE_RATE,
        f"{BASE_RATE}/card_new=1",
    ]
    rates = [round(exp(-each.value.value)) for each in found if BASE_RATE in each.subject]
    assert rates == [4, 2, 1, 3], "outcomes from one positive to the next"
    of_new = {each.subject for each in found if each.subject.endswith("/card_new=1")}
    assert of_new == {
        f"{each}/card_new=1" for each in (POSITIVES, NEGATIVES, ERRORS, CALIBRATION, BASE_RATE)
    }
    assert not any(each.subject.startswith(f"{DELAY}analyst/") for each in found)


def test_of_an_outcome_with_other_features_no_segment_is_known():
    found = subjects(segmented(), of(1, True, feature_set=bytes(32)))
    assert set(found) == {f"{DELAY}analyst", POSITIVES, ERRORS, CALIBRATION, BASE_RATE}


def test_how_often_a_segment_comes_is_counted_from_its_first_outcome():
    made = segmented()
    subjects(made, *[of(0)] * 90, *[of(1)] * 10)
    assert (made.seen_since(""), made.seen_since("card_new=0")) == (100, 100)
    assert made.seen_since("card_new=1") == 10
    assert made.is_another_model(outcome(30, model="forest"))
    subjects(made, *[of(0, day=50, model="forest")] * 5)
    assert made.seen_since("card_new=1") == 5, "it is known to come"


def test_after_as_many_values_as_are_followed_all_others_are_one():
    made = segmented()
    subjects(made, *(of(value) for value in range(8)))
    assert subjects(made, of(8, True))[-1] == f"{BASE_RATE}/card_new=other"
    assert subjects(made, of(0.5, True))[-1] == f"{BASE_RATE}/card_new=other"
    assert subjects(made, of(7, True))[-1] == f"{BASE_RATE}/card_new=7"


def test_segments_are_the_same_when_they_are_had_again():
    made, again = segmented(), OutcomeStreams(SETTLED_MS, segments=Segments(CHARTER))
    records = [of(n % 11, n % 7 == 0, score=(n % 10) / 10) for n in range(900)]
    subjects(made, *records[:437])
    again.restore({slot: orjson.loads(orjson.dumps(each)) for slot, each in made.slots().items()})
    whole = [seen for each in records[437:] for seen in made.values(each)]
    assert whole == [seen for each in records[437:] for seen in again.values(each)]
    assert made.slots() == again.slots()


def test_segments_that_the_charter_names_no_more_are_not_had_again():
    made, again = segmented(), OutcomeStreams(SETTLED_MS, segments=Segments(SHIPPED))
    subjects(made, of(1))
    again.restore(made.slots())
    assert list(again.slots()[0]["parts"]) == [""]


def test_it_is_the_same_when_it_is_had_again():
    made, again = streams(), OutcomeStreams(SETTLED_MS)
    records = [outcome(20 + n / 100, n % 7 == 0, score=(n % 10) / 10) for n in range(900)]
    subjects(made, *records[:437])
    again.restore({slot: orjson.loads(orjson.dumps(each)) for slot, each in made.slots().items()})
    whole = [seen for each in records[437:] for seen in made.values(each)]
    assert whole == [seen for each in records[437:] for seen in again.values(each)]
    assert made.slots() == again.slots()
