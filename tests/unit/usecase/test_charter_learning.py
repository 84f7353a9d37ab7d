"""Charters that declare profiles, and models that learn."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from headrace.contracts.location import shipped
from headrace.contracts.schemas import field_names
from headrace.errors import HeadraceError
from headrace.usecase.charter import Charter
from support.charter_texts import card_fraud

CARD_FRAUD = shipped("deploy") / "charters/card-fraud.toml"
ADDED = """
[profiles]
merchant = { key = "merchant_id" }

[[features]]
name = "merchant_count_7d"
profile = "merchant"
measure = "count"
window = "7d"
delay = "7d"

[[features]]
name = "merchant_positive_share_7d"
profile = "merchant"
measure = "positive_share"
window = "7d"
delay = "7d"

[[features]]
name = "merchant_is_hot"
flag = "merchant_positive_share_7d"
above = 0.5

[learning]
champion = "both"
negatives_share = 0.2
freeze_every = 5_000

[learning.models.logistic]
family = "logistic"
parameters = { learning_rate = 0.002 }

[learning.models.forest]
family = "adaptive-forest"
parameters = { trees = 5, leaves = "bayes", replace_trees = false }

[learning.models.both]
mean_of = { logistic = 0.6, forest = 0.4 }
"""

Load = Callable[..., Charter]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def load(*changes: tuple[str, str]) -> Charter:
        text = card_fraud(learning=False) + ADDED
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "charter.toml"
        path.write_text(text)
        return Charter.load(path, field_names)

    return load


def test_what_is_declared_is_read(load) -> None:
    learning = load().learning
    assert learning is not None
    assert learning.models["forest"].parameters == {
        "trees": 5,
        "leaves": "bayes",
        "replace_trees": False,
    }
    assert learning.models["both"].mean_of == {"logistic": 0.6, "forest": 0.4}


def test_how_often_models_are_learned_anew_is_read_and_is_never_where_not_declared(load) -> None:
    often = load(("freeze_every = 5_000", 'freeze_every = 5_000\nretrain_every = "30d"'))
    assert often.learning.retrain_every_ms == 30 * 86_400_000
    assert load().learning.retrain_every_ms is None


def test_features_of_profiles_stand_where_they_are_declared(load) -> None:
    features = load().feature_set
    records = [{"amount_minor": 5, "occurred_at_ms": 0, "distance_km": 1.0}] * 2
    measured = [1.0] * features._measures.width * 2
    matrix = features.matrix(records, measured, [3, 0.75, 4, 0.25])
    np.testing.assert_array_equal(matrix[:, -3:], [[3, 0.75, 1], [4, 0.25, 0]])


def test_the_key_of_a_profile_belongs_to_the_meaning_of_its_features(load) -> None:
    other = load(('merchant = { key = "merchant_id" }', 'merchant = { key = "card_id" }'))
    assert load().feature_set.digest != other.feature_set.digest


def test_the_length_of_a_profiles_buckets_belongs_to_it_too_and_the_throttle_does_not(load) -> None:
    digest = load().feature_set.digest
    for more, is_same in (('bucket = "2h"', False), ('throttle = "5m"', True)):
        other = load(('key = "merchant_id" }', f'key = "merchant_id", {more} }}'))
        assert (other.feature_set.digest == digest) == is_same


def test_nobody_is_decided_by_the_profile_of_a_protected_attribute(load) -> None:
    with pytest.raises(HeadraceError, match=r"merchant\.key: merchant_id is a fairness attribute"):
        load(('["age_band"]', '["merchant_id"]'))


def test_without_profiles_the_digest_of_the_features_is_as_it_was() -> None:
    assert Charter.load(CARD_FRAUD).feature_set.digest.hex().startswith("2b3a62ce28eebfe5")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('key = "merchant_id" }', 'key = "merchant" }', "no field of the event merchant; did you"),
        ('key = "merchant_id" }', 'key = "amount_minor" }', "is a number, and a text is needed"),
        ('profile = "merchant"', 'profile = "merchants"', "no profile merchants; did you mean me"),
        ('measure = "count"', 'measure = "counts"', "it should be 'count', 'positives' or"),
        ('delay = "7d"', "", "delay: is missing"),
        ('"merchant_id" }', '"merchant_id", bucket = "5h" }', "window: it is no multiple of the"),
        ('"merchant_id" }', '"merchant_id", bucket = "14d" }', "the bucket of merchant, 14d"),
        ('delay = "7d"', 'delay = "90m"', "no multiple of the bucket of merchant, 1h"),
        ('"merchant_id" }', '"merchant_id", throttle = "8d" }', "is told of after 8d only, its"),
        ('"merchant_id" }', '"merchant_id", throttle = "0s" }', "should be greater than 0"),
        ('champion = "both"', 'champion = "all"', "there is no model all; "),
        ("logistic = 0.6", "logistics = 0.6", "no model logistics; did you mean logistic?"),
        ("logistic = 0.6", "both = 0.6", "both is a mean itself; name what that is of"),
        ("logistic = 0.6", "logistic = 0", "should be greater than or equal to 0.000001"),
        ("logistic = 0.6", "logistic = inf", "should be less than or equal to 1000000"),
        ("logistic = 0.6", "logistic = true", "should be a valid number"),
        ("negatives_share = 0.2", 'negatives_share = "0.2"', "should be a valid number"),
        ('family = "logistic"\n', "", "a model is either of a family, or the mean_of others"),
        ("mean_of = {", "parameters = {x = 1}\nmean_of = {", "has no parameters but its weights"),
        ("negatives_share = 0.2", "negatives_share = 0", "should be greater than 0"),
        ("freeze_every = 5_000", "freeze_every = 0", "should be greater than 0"),
        ("freeze_every = 5_000", 'freeze_every = 9\nretrain_every = "4s"', "should be 5s at least"),
        (
            "freeze_every = 5_000",
            "freeze_every = 9\nretrain_every = 30",
            "a whole number and a unit",
        ),
    ],
)
def test_an_error_says_what_would_be_right(load, old, new, told) -> None:
    with pytest.raises(HeadraceError) as caught:
        load((old, new))
    assert told in str(caught.value)


@pytest.mark.parametrize("family", ['family = ""', "family = 3", 'famly = "logistic"', ""])
def test_a_model_whose_family_is_wrong_is_not_called_a_mean_too(load, family) -> None:
    with pytest.raises(HeadraceError, match="has an error:") as caught:
        load(('family = "logistic"', family))
    assert "learning.models.logistic" in str(caught.value)
