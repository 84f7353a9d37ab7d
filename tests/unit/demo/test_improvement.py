"""What models that learned have done better is measured on what they decided, by the truth."""

import pytest

from headrace.demo.improvement import improvement
from headrace.models.frozen import FrozenModel
from headrace.usecase.charter import Charter
from support.use_case import SHIPPED

CHARTER = Charter.load(SHIPPED)
FEATURES = CHARTER.feature_set.names


@pytest.fixture
def scorecard(tmp_path):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from headrace.models.scorecard import freeze_scorecard

    return FrozenModel(freeze_scorecard(CHARTER, tmp_path, Ed25519PrivateKey.generate(), 0))


def decision(score, digest=bytes(32), amount=10_000, fallback=""):
    return {
        "score": score,
        "features": [amount if name == "amount_minor" else 0.0 for name in FEATURES],
        "amount_minor": amount,
        "model_digest": digest,
        "fallback": fallback,
    }


def test_models_that_know_the_truth_cost_less_and_rank_better_than_the_scorecard(scorecard):
    truths = [number % 4 == 0 for number in range(40)]
    decisions = [decision(0.99 if truth else 0.001) for truth in truths]
    better = improvement(decisions, truths, scorecard, CHARTER.values)
    assert (better.events, better.positives) == (40, 10)
    assert better.learned.average_precision == better.learned.roc_auc == 1.0
    assert better.scorecard.roc_auc == 0.5, "the events are all alike to it"
    assert better.learned.cost_minor == 0 < better.scorecard.cost_minor


def test_what_scorecard_and_rules_decided_is_left_out(scorecard):
    decisions = [decision(0.9, scorecard.digest), decision(0.9, fallback="model_failed")]
    assert improvement(decisions, [True, False], scorecard, CHARTER.values) is None


def test_without_positives_and_negatives_nothing_is_said(scorecard):
    decisions = [decision(0.9), decision(0.8)]
    assert improvement(decisions, [True, True], scorecard, CHARTER.values) is None
