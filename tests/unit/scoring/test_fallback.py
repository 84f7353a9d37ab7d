"""Without a model, or with one that fails, the charter's rules decide, and the decision says so."""

import logging

import numpy as np
import pytest

from headrace.models.linear import Scored
from support.desk import Desk, Saying, always, charter_with, received, replaced


class Failing(Saying):
    """Fails on the events whose amount is a multiple of 10,000."""

    def __init__(self, charter, bad: object) -> None:
        super().__init__(charter, always(0.99))
        self._bad = bad

    def score(self, matrix) -> Scored:
        fails = matrix[:, self._amount] % 10_000 == 0
        if isinstance(self._bad, Exception):
            if fails.any():
                raise self._bad
            return super().score(matrix)
        scored = super().score(matrix)
        return scored._replace(scores=np.where(fails, self._bad, scored.scores))


BATCH = [received(n, amount_minor=amount) for n, amount in enumerate((4_200, 20_000, 4_300))]


def test_without_a_model_what_no_rule_hits_takes_the_fallback_action() -> None:
    desk = Desk(charter_with(('fallback_action = "approve"', 'fallback_action = "review"')), None)
    decision = desk.decision(received(0))
    assert decision["action"] == "review"
    assert decision["fallback"] == "model_untrusted"
    assert (decision["model"], decision["model_version"]) == ("rules", "")
    assert decision["model_digest"] == bytes(32)
    assert (decision["score"], decision["contributions"]) == (0.0, [])
    assert decision["expected_cost_minor"] is None
    assert decision["reason_codes"] == ["FALLBACK"]
    assert decision["reasons"] == ["the model could not be used, so the rules decided"]


def test_without_a_model_the_rules_still_apply() -> None:
    desk = Desk(charter_with(), None)
    desk.put("blocked-cards", "card-1")
    decision = desk.decision(received(0))
    assert (decision["action"], decision["rule_hits"]) == ("decline", ["blocked-card"])
    assert decision["reason_codes"] == ["FALLBACK", "blocked-card"]


def test_decision_and_audit_record_name_the_same_model_or_none() -> None:
    charter = charter_with()
    desk = Desk(charter, Failing(charter, ValueError("no")))
    for decision, audit in desk.decide(*BATCH).recorded:
        assert audit["model_digest"] == decision["model_digest"]


@pytest.mark.parametrize(
    ("bad", "cause"),
    [
        (ValueError("no"), "model_failed"),
        (ZeroDivisionError(), "model_failed"),
        (np.nan, "score_invalid"),
        (np.inf, "score_invalid"),
        (-0.1, "score_invalid"),
        (1.1, "score_invalid"),
    ],
)
def test_only_the_events_on_which_a_model_fails_are_left_to_the_rules(bad, cause, caplog) -> None:
    charter = charter_with()
    decisions = Desk(charter, Failing(charter, bad)).decisions(*BATCH)
    assert [decision["fallback"] for decision in decisions] == ["", cause, ""]
    assert [decision["action"] for decision in decisions] == ["decline", "approve", "decline"]
    assert [decision["score"] for decision in decisions] == [0.99, 0.0, 0.99]


def test_a_failing_model_is_told_once_as_an_error(caplog) -> None:
    charter = charter_with()
    desk = Desk(charter, Failing(charter, ValueError("no such tree")))
    desk.decide(*BATCH)
    desk.decide(
        *(
            replaced(
                event,
                offset=event.offset + 9,
                record=event.record | {"event_id": f"again-{event.offset}"},
            )
            for event in BATCH
        )
    )
    (logged,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert "model_failed: ValueError: no such tree" in logged.getMessage()


@pytest.mark.parametrize("error", [MemoryError(), OSError("disk")])
def test_what_is_not_the_models_fault_is_not_hidden(error) -> None:
    charter = charter_with()
    with pytest.raises(type(error)):
        Desk(charter, Failing(charter, error)).decide(*BATCH)


def test_a_batch_without_events_needs_no_model() -> None:
    assert Desk(charter_with(), None).decide().recorded == []
