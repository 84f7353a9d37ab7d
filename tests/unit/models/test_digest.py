"""The digest of what was learned: equal where models go on alike."""

import copy
import pickle
import random

import numpy as np
import pytest

from headrace.models.zoo.digest import _hashed, state_digest
from headrace.models.zoo.families import new_learner
from unit.models.test_zoo import EVERY, NAMES, drifted, row, taught


@pytest.mark.parametrize("name", EVERY)
def test_a_restored_model_has_the_digest_of_the_one_that_was_kept(name) -> None:
    learner = taught(EVERY[name](3), 5, 300, 0.1)
    restored = pickle.loads(pickle.dumps(learner))  # noqa: S301 -- our own
    assert state_digest(restored) == state_digest(learner)
    assert state_digest(pickle.loads(pickle.dumps(restored))) == state_digest(learner)  # noqa: S301


@pytest.mark.parametrize("name", EVERY)
def test_stopped_and_restored_half_way_it_ends_where_it_would_have_ended(name) -> None:
    whole = taught(taught(EVERY[name](3), 5, 200, 0.1), 6, 200, 0.1)
    half = pickle.loads(pickle.dumps(taught(EVERY[name](3), 5, 200, 0.1)))  # noqa: S301
    assert state_digest(taught(half, 6, 200, 0.1)) == state_digest(whole)


@pytest.mark.parametrize("name", [name for name in EVERY if name != "mean"])
def test_one_outcome_more_makes_another_digest(name) -> None:
    learner = taught(EVERY[name](3), 5, 200, 0.1)
    before = state_digest(learner)
    learner.learn_one(row(random.Random(9), later=True, missing=0.0), True)
    assert state_digest(learner) != before


def test_while_something_grows_beside_a_branch_a_restored_model_goes_on_alike() -> None:
    grown = drifted(1_050)
    assert len(grown.freeze(NAMES).arrays["root"]) > 1
    restored = pickle.loads(pickle.dumps(grown))  # noqa: S301 -- our own
    assert state_digest(restored) == state_digest(grown)
    assert state_digest(taught(restored, 6, 300, 0.1)) == state_digest(taught(grown, 6, 300, 0.1))


def test_a_random_generator_that_has_moved_on_is_another() -> None:
    one, other = random.Random(1), random.Random(1)
    assert state_digest(one) == state_digest(other)
    other.random()
    assert state_digest(one) != state_digest(other)


SAME = [(1.0, float("1")), ("a" * 2, "aa"), ([1, [2]], [1, [2]]), ({1, 2}, {2, 1})]
APART = [
    (1, True),
    (1, 1.0),
    (0.0, -0.0),
    ("1", 1),
    (b"a", "a"),
    ([1, 2], (1, 2)),
    ([[1], 2], [1, [2]]),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    (np.zeros(2), np.zeros(3)),
    (np.zeros(2), np.zeros(2, np.float32)),
    (np.zeros((2, 1)), np.zeros((1, 2))),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_equal_values_are_the_same(one, other) -> None:
    assert state_digest(one) == state_digest(other)
    assert state_digest([one, one]) == state_digest([one, copy.deepcopy(one)])


@pytest.mark.parametrize(("one", "other"), APART)
def test_different_values_are_told_apart(one, other) -> None:
    assert state_digest(one) != state_digest(other)


def test_where_one_part_ends_and_the_next_begins_is_hashed_too() -> None:
    assert _hashed("a pair", b"ab", b"c") != _hashed("a pair", b"a", b"bc")


def test_an_object_within_itself_ends() -> None:
    one, other = [1], [1]
    one.append(one)
    other.append(other)
    assert state_digest(one) == state_digest(other)


def test_a_regression_tree_whose_feature_only_rises_has_a_digest() -> None:
    learner = new_learner("regression-tree", {"grace_period": 5_000})
    rnd = random.Random(1)
    for at in range(2_000):
        learner.learn_one({"at": float(at)}, rnd.random())  # each outcome deepens a search tree
    assert state_digest(learner) == state_digest(copy.deepcopy(learner))


def test_what_has_no_state_is_refused() -> None:
    with pytest.raises(TypeError, match="a generator has no state"):
        state_digest({"it": (n for n in range(3))})
