"""Learning anew: what each event is held to be in the end, in the order of the first outcomes."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.errors import HeadraceError
from headrace.learning.retraining import Retraining, narrowed
from headrace.learning.standing import Standing
from headrace.usecase.charter import Charter
from headrace.usecase.learning import LearnedModel, Learning
from support.use_case import SHIPPED

DAY = 86_400_000
CHARTER = Charter.load(SHIPPED).model_copy(
    update={
        "learning": Learning(
            champion="both",
            negatives_share=0.5,
            freeze_every=50,
            models={
                "logistic": LearnedModel(family="logistic"),
                "tree": LearnedModel(family="hoeffding-tree", parameters={"grace_period": 20}),
                "bayes": LearnedModel(family="gaussian-bayes"),
                "both": LearnedModel(mean_of={"logistic": 1.0, "tree": 2.0}),
            },
        )
    }
)
FEATURES = len(CHARTER.feature_set.names)


def outcome(event, value, **others):
    rnd = random.Random(event)
    return {
        "decision_id": f"events:0:{event}",
        "event_id": f"event-{event}",
        "feature_set": CHARTER.feature_set.digest,
        "features": [rnd.gauss(0, 1) for _ in range(FEATURES)],
        "score": rnd.random(),
        "fallback": "",
        "value": value,
        "source": "censored" if value is None else "analyst",
        "occurred_at_ms": event * DAY // 20,
        "known_at_ms": event * DAY // 20 + DAY,
        "amount_minor": 1_000,
        "currency": "EUR",
        "action": "review",
        "acted": True,
        **others,
    }


def retrained(log, charter=CHARTER):
    work = Retraining(charter)
    for take in (work.look, work.learn):
        for offset, record in enumerate(log):
            take(record, offset)
    return work


def learned(log):
    """What learning has come to, one outcome after the other."""
    standing = Standing(CHARTER)
    for offset, record in enumerate(log):
        standing.take(record, offset)
    return standing


FIRST = [outcome(event, event % 5 == 0) for event in range(60)]


@settings(max_examples=20)
@given(
    st.lists(
        st.tuples(st.integers(0, 59), st.sampled_from([True, False, None])), min_size=1, max_size=80
    )
)
def test_it_is_as_if_only_the_final_values_had_ever_been_in_the_log(words):
    log = [outcome(event, value) for event, value in words]
    final = dict(words)
    in_order = dict.fromkeys(event for event, _ in words)
    only = [outcome(event, final[event]) for event in in_order if final[event] is not None]
    work = retrained(log)
    assert work.standing.fold.digest() == learned(only).fold.digest()
    assert list(work.standing.recent) == list(learned(only).recent)
    assert work.decisions == len(in_order)
    assert work.censored == len(in_order) - len(only)
    assert work.standing.position == work.until == len(log)


def test_a_corrected_outcome_is_learned_from_once_with_its_last_value():
    corrected = [*FIRST, outcome(10, value=False), outcome(10, value=True), outcome(11, value=True)]
    right = [*FIRST]
    right[11] = outcome(11, value=True)
    work = retrained(corrected)
    assert work.standing.fold.taken == 60
    assert work.standing.fold.digest() == learned(right).fold.digest()
    assert work.corrected == 3


def test_what_was_censored_and_is_known_later_is_learned_from():
    censored = [*FIRST]
    censored[10] = outcome(10, value=None)
    assert retrained(censored).standing.fold.taken == 59
    known = retrained([*censored, FIRST[10]])
    assert known.standing.fold.digest() == learned(FIRST).fold.digest()
    assert known.censored == 0


def test_what_was_known_and_is_censored_in_the_end_is_not_learned_from():
    work = retrained([*FIRST, outcome(10, value=None)])
    assert work.standing.fold.taken == 59
    assert work.censored == 1


def test_decisions_with_other_or_too_few_features_are_passed_over_and_counted():
    strange = [outcome(100, value=True, feature_set=bytes(32))]
    strange += [outcome(101, value=False, features=[1.0])]
    work = retrained([*FIRST, *strange, *strange])
    assert work.standing.fold.digest() == learned(FIRST).fold.digest()
    assert sorted(work.passed_over.values()) == [1, 1]
    assert work.passed_over["it has other features"] == 1


def test_a_decision_that_no_model_can_compute_with_ends_nothing():
    vast = outcome(100, value=True, features=[1e200] * FEATURES)
    work = retrained([*FIRST, vast, outcome(102, value=True)])
    assert work.passed_over == {"a feature is too large to compute with, or no number": 1}
    assert work.standing.position == 62


def test_one_model_learned_alone_is_what_it_is_among_the_others():
    alone = retrained(FIRST, narrowed(CHARTER, ["both"])).standing.fold.freeze()
    among = retrained(FIRST).standing.fold.freeze()
    assert set(alone) == {"logistic", "tree", "both"}
    for name, array in alone["both"].arrays.items():
        assert array.tobytes() == among["both"].arrays[name].tobytes()
    assert narrowed(CHARTER, ["both"]).digest == CHARTER.digest


def test_several_models_are_learned_without_the_others():
    assert set(retrained(FIRST, narrowed(CHARTER, ["bayes", "tree"])).standing.fold.freeze()) == {
        "bayes",
        "tree",
    }


def test_what_the_charter_does_not_declare_is_not_learned():
    with pytest.raises(HeadraceError, match="no model logistics; did you mean logistic"):
        narrowed(CHARTER, ["bayes", "logistics"])
    with pytest.raises(HeadraceError, match="learns nothing"):
        narrowed(CHARTER.model_copy(update={"learning": None}), None)
