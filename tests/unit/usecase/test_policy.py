"""From scores to actions."""

import numpy as np

from headrace.usecase.policy import Policy

POLICY = Policy(version="1", review_at=0.3, decline_at=0.9)


def test_a_score_at_a_threshold_is_past_it() -> None:
    scores = np.array([0.0, np.nextafter(0.3, 0), 0.3, np.nextafter(0.9, 0), 0.9, 1.0])
    assert POLICY.actions(scores) == [
        "approve",
        "approve",
        "review",
        "review",
        "decline",
        "decline",
    ]


def test_with_equal_thresholds_nothing_is_reviewed() -> None:
    policy = Policy(version="1", review_at=0.5, decline_at=0.5)
    assert policy.actions(np.array([0.4, 0.5])) == ["approve", "decline"]


def test_no_scores_are_no_actions() -> None:
    assert POLICY.actions(np.array([])) == []


def test_what_is_not_approved_says_why() -> None:
    assert POLICY.reasons(0.1, "approve") == []
    assert POLICY.reasons(0.5, "review") == ["score 0.5000 is at or above review_at 0.3"]
    assert POLICY.reasons(0.95, "decline") == ["score 0.9500 is at or above decline_at 0.9"]
