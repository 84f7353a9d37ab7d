"""The zoo: what is frozen says what River says."""

import copy
import pickle
import random
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river.tree.nodes.branch import NumericBinaryBranch

from headrace.errors import HeadraceError
from headrace.models.forest import ABSENT, NODE_ARRAYS
from headrace.models.frozen import PREDICTORS
from headrace.models.scored import Misshapen, Predictor
from headrace.models.splits import SPLIT_ARRAYS
from headrace.models.zoo.families import new_learner, register
from headrace.models.zoo.learner import Frozen, Learner
from headrace.models.zoo.linear import RegressionParameters
from headrace.models.zoo.mean import MeanLearner

NAMES = ("a", "b", "c", "d", "constant")
ROOT = Path(__file__).parents[3]
LATER = "e"
"""A feature that appears when half is learned."""

ZOO: dict[str, Callable[[int], Learner]] = {
    "logistic": lambda _: new_learner("logistic", {"learning_rate": 0.05, "l2": 1e-3}),
    "linear": lambda _: new_learner("linear", {"learning_rate": 0.01}),
    **{
        f"tree, {leaves}": lambda _, leaves=leaves: new_learner(
            "hoeffding-tree", {"grace_period": 20, "confidence": 0.1, "leaves": leaves}
        )
        for leaves in ("majority", "bayes", "adaptive")
    },
    **{
        f"forest, {leaves}": lambda seed, leaves=leaves: new_learner(
            "adaptive-forest",
            {"grace_period": 20, "confidence": 0.1, "trees": 3, "leaves": leaves, "seed": seed},
        )
        for leaves in ("majority", "bayes", "adaptive")
    },
    **{
        f"adaptive tree, {leaves}": lambda seed, leaves=leaves: new_learner(
            "adaptive-tree",
            {"grace_period": 20, "confidence": 0.1, "leaves": leaves, "seed": seed},
        )
        for leaves in ("majority", "bayes", "adaptive")
    },
    "adaptive tree without bootstrap": lambda _: new_learner(
        "adaptive-tree", {"grace_period": 20, "confidence": 0.1, "depth": 2, "bootstrap": False}
    ),
    "regression tree": lambda _: new_learner(
        "regression-tree", {"grace_period": 20, "confidence": 0.1}
    ),
    "bagged trees": lambda seed: new_learner(
        "bagged-trees", {"grace_period": 20, "confidence": 0.1, "trees": 3, "seed": seed}
    ),
    "bagged trees that are replaced": lambda seed: new_learner(
        "bagged-trees",
        {"grace_period": 20, "trees": 3, "leaves": "bayes", "replace_trees": True, "seed": seed},
    ),
    "naive Bayes": lambda _: new_learner("gaussian-bayes", {}),
    "forest that keeps its trees": lambda seed: new_learner(
        "adaptive-forest",
        {"grace_period": 20, "trees": 2, "features": 0.5, "replace_trees": False, "seed": seed},
    ),
}


def a_mean(seed: int) -> MeanLearner:
    members = [
        ZOO[name](seed) for name in ("logistic", "tree, adaptive", "forest, bayes", "naive Bayes")
    ]
    return MeanLearner([(member, weight + 1.0) for weight, member in enumerate(members)])


EVERY = {**ZOO, "mean": a_mean}


def row(rnd: random.Random, *, later: bool, missing: float) -> dict[str, float]:
    x = {name: rnd.gauss(0, 3) for name in NAMES} | {"constant": 1.0}
    x["d"] = float(round(x["d"]))  # ties
    if later:
        x[LATER] = rnd.random()
    return {name: value for name, value in x.items() if rnd.random() >= missing}


def taught(learner: Learner, seed: int, outcomes: int, missing: float) -> Learner:
    rnd = random.Random(seed)
    members = [each for each, _ in learner._members] if isinstance(learner, MeanLearner) else []
    for number in range(outcomes):
        x = row(rnd, later=number > outcomes / 2, missing=missing)
        value = x.get("a", 0.0) + x.get("b", 0.0) * x.get("c", 0.0) + rnd.gauss(0, 1)
        for each in members or [learner]:
            each.learn_one(x, value > 2 if each.is_probability else value)
    return learner


def predictor(frozen: Frozen, features: int) -> Predictor:
    return PREDICTORS[frozen.family](frozen.arrays, features)


def matrix(rows, features) -> np.ndarray:
    return np.array([[x.get(name, np.nan) for name in features] for x in rows]).reshape(
        len(rows), len(features)
    )


@pytest.mark.parametrize("name", EVERY)
@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    outcomes=st.sampled_from([0, 1, 2, 30, 400]),
    missing=st.sampled_from([0.0, 0.2]),
)
def test_frozen_it_predicts_as_river_does(name, seed, outcomes, missing) -> None:
    learner = taught(EVERY[name](seed), seed, outcomes, missing)
    rnd = random.Random(seed + 1)
    rows = [row(rnd, later=True, missing=0.3) for _ in range(25)]
    features = [*NAMES, LATER, "never seen"]
    scores = predictor(learner.freeze(features), len(features)).score(matrix(rows, features)).scores
    expected = [learner.predict_one(x) for x in rows]
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", EVERY)
def test_a_prediction_changes_nothing(name) -> None:
    learner = taught(EVERY[name](7), 7, 300, 0.1)
    before = pickle.dumps(learner)
    for x in ({}, {"new": 3.0}, row(random.Random(1), later=True, missing=0.0)):
        learner.predict_one(x)
        learner.freeze([*NAMES, "never seen"])
    assert pickle.dumps(learner) == before


@pytest.mark.parametrize("name", EVERY)
def test_before_it_has_learned_it_is_not_changed_by_a_prediction_either(name) -> None:
    learner = EVERY[name](7)
    before = pickle.dumps(learner)
    learner.predict_one({"new": 3.0})
    assert pickle.dumps(learner) == before


@pytest.mark.parametrize("name", EVERY)
def test_the_same_outcomes_make_the_same_model(name) -> None:
    first, second = (taught(EVERY[name](3), 5, 300, 0.1).freeze(NAMES[:4]) for _ in "ab")
    assert {each: array.tobytes() for each, array in first.arrays.items()} == {
        each: array.tobytes() for each, array in second.arrays.items()
    }


@pytest.mark.parametrize("name", EVERY)
def test_a_row_is_scored_the_same_in_any_batch(name) -> None:
    learner = taught(EVERY[name](3), 5, 300, 0.0)
    features = [*NAMES, LATER]
    rnd = random.Random(2)
    rows = matrix([row(rnd, later=True, missing=0.1) for _ in range(40)], features)
    model = predictor(learner.freeze(features), len(features))
    whole = model.score(rows)
    parts = [model.score(rows[at : at + 1]) for at in range(40)]
    np.testing.assert_array_equal(whole.scores, np.concatenate([each.scores for each in parts]))
    np.testing.assert_array_equal(
        whole.contributions, np.concatenate([each.contributions for each in parts])
    )


@pytest.mark.parametrize(
    "name", [name for name in EVERY if name.startswith(("tree", "forest", "adaptive"))]
)
def test_contributions_of_a_forest_lead_from_its_roots_to_the_score(name) -> None:
    learner = taught(EVERY[name](3), 5, 400, 0.0)
    features = [*NAMES, LATER]
    rnd = random.Random(2)
    rows = matrix([row(rnd, later=True, missing=0.1) for _ in range(40)], features)
    frozen = learner.freeze(features)
    scored = predictor(frozen, len(features)).score(rows)
    roots = frozen.arrays["value"][frozen.arrays["root"].astype(int)]
    base = np.average(roots, weights=frozen.arrays["weight"])
    assert scored.contributions.any(), "it has split"
    np.testing.assert_allclose(base + scored.contributions.sum(axis=1), scored.scores, atol=1e-9)


def test_contributions_of_a_regression_tree_lead_from_its_root_to_the_value() -> None:
    frozen = taught(ZOO["regression tree"](3), 5, 400, 0.1).freeze(NAMES)
    rows = matrix([row(random.Random(2), later=False, missing=0.1) for _ in range(40)], NAMES)
    scored = predictor(frozen, len(NAMES)).score(rows)
    assert scored.contributions.any(), "it has split"
    base = frozen.arrays["value"][0]
    np.testing.assert_allclose(base + scored.contributions.sum(axis=1), scored.scores, atol=1e-9)


def test_a_regression_tree_predicts_any_value() -> None:
    learner = ZOO["regression tree"](0)
    assert not learner.is_probability
    learner.learn_one({"a": 1.0}, -1e6)
    model = predictor(learner.freeze(["a"]), 1)
    assert model.bounds == (-np.inf, np.inf)
    assert model.score(np.ones((1, 1))).scores.tolist() == [-1e6]


def grafted(seed: int, leaves: str, missing: float) -> Learner:
    """Return an adaptive tree many branches of which have an alternate."""
    learner = taught(ZOO[f"adaptive tree, {leaves}"](seed), seed, 400, missing)
    root, rnd = learner.model._root, random.Random(seed)
    if isinstance(root, NumericBinaryBranch):
        grown = list(root.iter_leaves())
        for branch in root.iter_branches():
            if rnd.random() < 0.5:
                branch._alternate_tree = copy.deepcopy(rnd.choice(grown))
    return learner


@pytest.mark.parametrize("leaves", ["majority", "bayes", "adaptive"])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), missing=st.sampled_from([0.0, 0.2]))
def test_branches_and_what_grows_beside_them_vote_together_as_in_river(
    leaves, seed, missing
) -> None:
    learner, rnd = grafted(seed, leaves, missing), random.Random(seed)
    for features in ([*NAMES, LATER], ["b", "never seen", "c"]):
        rows = matrix([row(rnd, later=True, missing=0.3) for _ in range(25)], features)
        model = predictor(learner.freeze(features), len(features))
        known = [{n: v for n, v in zip(features, each, strict=True) if v == v} for each in rows]
        scored = model.score(rows)
        expected = [learner.predict_one(x) for x in known]
        np.testing.assert_allclose(scored.scores, expected, rtol=0, atol=1e-9)
        alone = [model.score(rows[at : at + 1]) for at in range(25)]
        np.testing.assert_array_equal(scored.scores, np.concatenate([s.scores for s in alone]))


def test_contributions_with_branches_that_may_be_replaced_add_up_too() -> None:
    features = [*NAMES, LATER]
    frozen = grafted(1, "bayes", 0.1).freeze(features)
    assert len(frozen.arrays["root"]) > 2
    rows = matrix([row(random.Random(2), later=True, missing=0.2) for _ in range(40)], features)
    scored = predictor(frozen, len(features)).score(rows)
    base = frozen.arrays["value"][0]
    np.testing.assert_allclose(base + scored.contributions.sum(axis=1), scored.scores, atol=1e-9)


def drifted(outcomes: int, leaves: str = "adaptive") -> Learner:
    """Return an adaptive tree for which, after 1,000 outcomes, positive is what was negative."""
    learner, rnd = ZOO[f"adaptive tree, {leaves}"](1), random.Random(1)
    for number in range(outcomes):
        x = row(rnd, later=False, missing=0.1)
        learner.learn_one(x, (x.get("a", 0.0) + rnd.gauss(0, 0.5) > 0) != (number >= 1_000))
    return learner


def test_a_tree_that_drifts_is_frozen_with_what_grows_beside_it_and_changes_over() -> None:
    learner, most = drifted(1_000), 0
    rnd, features = random.Random(2), list(NAMES)
    for number in range(1_000):
        x = row(rnd, later=False, missing=0.1)
        learner.learn_one(x, x.get("a", 0.0) < 0)
        if number % 20:
            continue
        rows = [row(rnd, later=False, missing=0.3) for _ in range(9)]
        frozen = learner.freeze(features)
        most = max(most, len(frozen.arrays["root"]))
        scores = predictor(frozen, len(features)).score(matrix(rows, features)).scores
        expected = [learner.predict_one(x) for x in rows]
        np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-9)
    assert most > 1, "something grew beside a branch"
    assert learner.predict_one({"a": -5.0}) > 0.5 > learner.predict_one({"a": 5.0})


BROKEN_TREES = {
    "a branch back": lambda arrays: arrays["left"].__setitem__(0, 0),
    "a branch to nowhere": lambda arrays: arrays["right"].__setitem__(0, 1e6),
    "a branch that is no number": lambda arrays: arrays["common"].__setitem__(0, np.nan),
    "half an index": lambda arrays: arrays["common"].__setitem__(0, 1.5),
    "an unknown feature": lambda arrays: arrays["feature"].__setitem__(0, 99),
    "an array less": lambda arrays: arrays.pop("value"),
    "an array more": lambda arrays: arrays.update(root=np.zeros(1)),
    "no usual values": lambda arrays: arrays.pop("usual"),
    "no feature compared": lambda arrays: arrays.pop("feature"),
    "another shape": lambda arrays: arrays.update(value=np.zeros(3)),
    "nodes in rows": lambda arrays: arrays.update(
        {name: arrays[name][None] for name in SPLIT_ARRAYS}
    ),
    "one number": lambda arrays: arrays.update({name: np.array(0.0) for name in SPLIT_ARRAYS}),
    "no node": lambda arrays: arrays.update({name: np.zeros(0) for name in SPLIT_ARRAYS}),
}


@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")
@pytest.mark.parametrize("how", BROKEN_TREES)
def test_a_broken_regression_tree_is_refused(how) -> None:
    frozen = taught(ZOO["regression tree"](1), 1, 400, 0.0).freeze(NAMES)
    assert len(frozen.arrays["feature"]) > 1, "it has split"
    BROKEN_TREES[how](frozen.arrays)
    with pytest.raises(Misshapen):
        predictor(frozen, len(NAMES))


def test_contributions_to_a_mean_are_what_each_feature_does_to_the_score() -> None:
    logistic = taught(ZOO["logistic"](1), 1, 300, 0.0)
    alone = MeanLearner([(logistic, 5.0)]).freeze(NAMES)
    rows = matrix([row(random.Random(3), later=False, missing=0.0)], NAMES)
    scored = predictor(alone, len(NAMES)).score(rows)
    base = predictor(alone, len(NAMES)).score(np.full((1, len(NAMES)), np.nan)).scores
    np.testing.assert_allclose(base + scored.contributions.sum(axis=1), scored.scores, atol=1e-12)


def test_contributions_to_naive_bayes_are_the_logits_of_each_feature() -> None:
    learner = taught(ZOO["naive Bayes"](1), 1, 300, 0.0)
    model = predictor(learner.freeze(NAMES), len(NAMES))
    rows = matrix([row(random.Random(3), later=False, missing=0.2) for _ in range(9)], NAMES)
    scored, base = model.score(rows), model.score(np.full((1, len(NAMES)), np.nan)).scores
    logits = np.log(base / (1 - base)) + scored.contributions.sum(axis=1)
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), scored.scores, atol=1e-12)
    assert not scored.contributions[np.isnan(rows)].any()


BROKEN_BAYES = {
    "a count below nothing": lambda arrays: arrays["count"].__setitem__(0, -1.0),
    "a variance below nothing": lambda arrays: arrays["variance"].__setitem__((0, 0), -1.0),
    "another shape": lambda arrays: arrays.update(mean=np.zeros(3)),
    "an array less": lambda arrays: arrays.pop("usual"),
}


@pytest.mark.parametrize("how", BROKEN_BAYES)
def test_a_broken_naive_bayes_is_refused(how) -> None:
    frozen = taught(ZOO["naive Bayes"](1), 1, 40, 0.0).freeze(NAMES)
    BROKEN_BAYES[how](frozen.arrays)
    with pytest.raises(Misshapen):
        predictor(frozen, len(NAMES))


def test_a_frozen_model_is_another_s_when_it_goes_on_learning() -> None:
    learner = taught(ZOO["forest, adaptive"](1), 1, 200, 0.0)
    frozen = learner.freeze(NAMES)
    kept = copy.deepcopy(frozen.arrays)
    taught(learner, 2, 200, 0.0)
    assert all(np.array_equal(kept[name], array) for name, array in frozen.arrays.items())


def test_a_team_can_register_a_family_of_its_own() -> None:
    register("ours", RegressionParameters, lambda _: ZOO["logistic"](0))
    assert new_learner("ours", {"l2": 0.5}).predict_one({}) == 0.5
    with pytest.raises(ValueError, match="there is a family ours already"):
        register("ours", RegressionParameters, lambda _: ZOO["logistic"](0))


def test_an_unknown_family_is_refused_with_the_one_that_may_be_meant() -> None:
    with pytest.raises(HeadraceError, match="no family of models logistik; did you mean logistic"):
        new_learner("logistik", {})


@pytest.mark.parametrize(
    ("family", "parameters", "wrong"),
    [
        ("logistic", {"learning_rat": 1.0}, "learning_rat"),
        ("logistic", {"learning_rate": -1.0}, "learning_rate: .* greater than 0"),
        ("logistic", {"learning_rate": "0.1"}, "learning_rate: .* valid number"),
        ("logistic", {"learning_rate": True}, "learning_rate: .* valid number"),
        ("logistic", {"learning_rate": float("inf")}, "learning_rate: .* less than or equal to 1"),
        ("adaptive-forest", {"replace_trees": "no"}, "replace_trees: .* valid boolean"),
        ("adaptive-forest", {"seed": True}, "seed: .* valid integer"),
        ("adaptive-forest", {"features": "0.5"}, "features"),
        ("adaptive-forest", {"trees": 0}, "trees"),
        ("adaptive-tree", {"bootstrap": 1}, "bootstrap: .* valid boolean"),
        ("adaptive-tree", {"drift_window": 0}, "drift_window"),
        ("regression-tree", {"leaves": "majority"}, "leaves"),
        ("logistic", {"l3": 1.0}, "Unexpected keyword"),
        ("hoeffding-tree", {"leaves": "some"}, "leaves: .*'majority', 'bayes' or 'adaptive'"),
    ],
)
def test_wrong_parameters_are_refused(family, parameters, wrong) -> None:
    with pytest.raises(HeadraceError, match=wrong):
        new_learner(family, parameters)


def test_the_page_that_lists_the_parameters_is_there_and_lists_them() -> None:
    with pytest.raises(HeadraceError) as refused:
        new_learner("adaptive-tree", {"bootstrp": True})
    page = re.search(r"docs/\S+\.md", refused.value.fix)
    assert page is not None
    text = (ROOT / page[0]).read_text()
    assert "`adaptive-tree`" in text
    assert "`bootstrap`" in text


BROKEN = {
    "a branch back": lambda arrays: arrays["left"].__setitem__(0, 0),
    "a branch to nowhere": lambda arrays: arrays["right"].__setitem__(0, 1e6),
    "half an index": lambda arrays: arrays["common"].__setitem__(0, 1.5),
    "an unknown feature": lambda arrays: arrays["feature"].__setitem__(0, 99),
    "an array less": lambda arrays: arrays.pop("value"),
    "another shape": lambda arrays: arrays.update(value=np.zeros(3)),
    "no node": lambda arrays: arrays.update(
        {name: arrays[name][:0] for name in NODE_ARRAYS}, root=np.zeros(1)
    ),
    "a weight below nothing": lambda arrays: arrays["weight"].__setitem__(0, -1.0),
    "a vote below nothing": lambda arrays: arrays["negative"].__setitem__(0, -5.0),
    "votes for more than one": lambda arrays: arrays["positive"].__setitem__(0, 1e308),
    "no tree": lambda arrays: arrays.update(root=np.zeros(0), weight=np.zeros(0)),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_forest_is_refused(how) -> None:
    frozen = taught(ZOO["tree, majority"](1), 1, 400, 0.0).freeze([*NAMES, LATER])
    assert len(frozen.arrays["feature"]) > 1, "it has split"
    BROKEN[how](frozen.arrays)
    with pytest.raises(Misshapen):
        predictor(frozen, len(NAMES) + 1)


BROKEN_MEANS = {
    "no weights": lambda arrays: arrays.pop("weight"),
    "a weight of nothing": lambda arrays: arrays["weight"].__setitem__(0, 0.0),
    "a member too many": lambda arrays: arrays.update(weight=np.ones(3)),
    "a number with a zero before it": lambda arrays: arrays.update(
        {"00/logistic/mean": np.zeros(len(NAMES))}
    ),
    "a number without end": lambda arrays: arrays.update({f"{'9' * 5000}/linear/mean": np.ones(1)}),
    "weights without bounds": lambda arrays: arrays.update(weight=np.full(2, 1e308)),
    "a stranger": lambda arrays: arrays.update({"7/logistic/mean": np.zeros(1)}),
    "an unknown family": lambda arrays: arrays.update({"0/magic/mean": np.zeros(1)}),
    "two families": lambda arrays: arrays.update({"0/forest/root": np.zeros(1)}),
}


@pytest.mark.parametrize("how", BROKEN_MEANS)
def test_a_broken_mean_is_refused(how) -> None:
    members = [(taught(ZOO["logistic"](1), 1, 20, 0.0), 1.0) for _ in range(2)]
    frozen = MeanLearner(members).freeze(NAMES)
    BROKEN_MEANS[how](frozen.arrays)
    with pytest.raises(Misshapen):
        predictor(frozen, len(NAMES))


def bayes(outcomes) -> Learner:
    learner = new_learner("hoeffding-tree", {"leaves": "bayes"})
    for x, y in outcomes:
        learner.learn_one(x, y)
    return learner


@pytest.mark.parametrize("scale", [1e-150, 1e-155, 1e-160, 1.0])
def test_what_naive_bayes_holds_to_be_impossible_is_left_out_as_river_does(scale) -> None:
    rnd = random.Random(1)
    labels = [rnd.random() < 0.5 for _ in range(60)]
    learner = bayes([({"a": rnd.gauss(0, 1) * scale, "b": rnd.gauss(y, 1)}, y) for y in labels])
    rows = [{"a": a, "b": b} for a in (0.0, 1e9, -3.0, scale) for b in (1.0, 0.0)]
    scores = predictor(learner.freeze(["a", "b"]), 2).score(matrix(rows, ["a", "b"])).scores
    expected = [learner.predict_one(x) for x in rows]
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-9)


def test_a_class_of_no_weight_has_the_vote_that_river_gives_it() -> None:
    learner = bayes([({"a": float(n)}, n > 3) for n in range(8)])
    learner.model._root.stats[True] = 0.0
    frozen = learner.freeze(["a"])
    score = predictor(frozen, 1).score(np.array([[5.0]])).scores[0]
    assert score == pytest.approx(learner.predict_one({"a": 5.0}), abs=1e-9)


def test_priors_of_no_class_are_refused() -> None:
    frozen = bayes([({"a": float(n)}, n > 3) for n in range(8)]).freeze(["a"])
    frozen.arrays["bayes_prior"][:] = ABSENT
    with pytest.raises(Misshapen):
        predictor(frozen, 1)


def test_a_tree_as_deep_as_it_may_be_is_frozen() -> None:
    learner = new_learner("hoeffding-tree", {"grace_period": 20, "confidence": 0.3, "tie": 0.5})
    rnd = random.Random(3)
    for n in range(3_000):
        learner.learn_one({"t": float(n)}, (n // 7) % 2 if rnd.random() < 0.9 else 0)
    node, depth = learner.model._root, 0
    while hasattr(node, "children"):
        node, depth = node.children[1], depth + 1
    grown = learner.model._root
    for _ in range(3_000):  # deeper than Python's stack
        grown = NumericBinaryBranch({}, "t", -1.0, 0, leaf_like(node), grown)
    learner.model._root = grown
    arrays = learner.freeze(["t"]).arrays
    assert len(arrays["feature"]) > 6_000
    assert np.isfinite(predictor(Frozen("forest", arrays), 1).score(np.ones((3, 1))).scores).all()


def leaf_like(leaf):
    return copy.copy(leaf)
