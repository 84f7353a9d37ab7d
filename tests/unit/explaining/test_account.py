"""What an account of an event says, and when it says that something does not match."""

from hashlib import sha256
from pathlib import Path

import pytest

from headrace.contracts.location import shipped
from headrace.explaining.account import Account, Arrival
from headrace.explaining.records import Place
from headrace.usecase.charter import Charter
from support.use_case import transaction

CARD_FRAUD = Charter.load(shipped("deploy") / "charters/card-fraud.toml")
DEMAND = Charter.load(Path(__file__).parents[2] / "support/charters/demand.toml")
VALUE, DECISION_VALUE = b"event", b"decision"
AT = "on 3 March 2026 at 14:05 UTC"
AT_MS = 1_772_546_700_000


def decision(**changes):
    return {
        "amount_minor": 31_240,
        "currency": "EUR",
        "key": "card-1",
        "occurred_at_ms": AT_MS,
        "charter_digest": CARD_FRAUD.digest,
        "feature_set": CARD_FRAUD.feature_set.digest,
        "features": [float(n) for n in range(len(CARD_FRAUD.feature_set.names))],
        "contributions": [float(-n) for n in range(len(CARD_FRAUD.feature_set.names))],
        "score": 0.93,
        "action": "decline",
        "rule_hits": [],
        "reasons": ["the amount is 8.3 times this card's 30-day mean", "it is night"],
        "reason_codes": ["amount_to_mean_30d", "night"],
        "expected_cost_minor": 120,
        "late": False,
        "acted": True,
        **changes,
    }


def arrival(fate="decided", offset=7, **changes):
    digests = {
        "input_sha256": sha256(VALUE).digest(),
        "decision_sha256": sha256(DECISION_VALUE).digest() if fate == "decided" else None,
    }
    known = {
        "value": VALUE,
        "record": transaction(amount_minor=31_240, occurred_at_ms=AT_MS),
        "audit": digests,
    }
    if fate == "decided":
        known |= {"decision": decision(), "decision_value": DECISION_VALUE}
    return Arrival(Place(3, offset), fate, **{**known, **changes})


def account(*arrivals):
    return Account(CARD_FRAUD, "event-1", list(arrivals))


def letter(reason="invalid_value", detail="amount_minor is 9"):
    return {"reason": reason, "detail": detail}


def test_a_decline_is_a_sentence_that_one_can_say_on_the_phone():
    assert account(arrival()).sentence() == (
        f"The transaction of 312.40 EUR (card card-1, merchant merchant-1) {AT} was declined "
        "because the amount is 8.3 times this card's 30-day mean and it is night."
    )


def test_reasons_with_commas_of_their_own_stay_apart():
    of = decision(reasons=["it is large, 54.00 EUR is usual", "it is night"])
    said = account(arrival(decision=of)).sentence()
    assert said.endswith("because it is large, 54.00 EUR is usual; and it is night.")


def test_a_plain_approval_says_that_it_costs_least():
    said = account(
        arrival(decision=decision(action="approve", reasons=[], score=0.01, expected_cost_minor=3))
    ).sentence()
    assert said.endswith(
        "was approved because no rule applies to it, and at a score of 0.0100 that is expected to "
        "cost least, 0.03 EUR."
    )


def test_where_nothing_has_a_price_no_cost_is_said():
    of = decision(action="approve", reasons=[], expected_cost_minor=None, score=12.5)
    said = account(arrival(decision=of)).sentence()
    assert said.endswith("was approved because no rule applies to it, at a score of 12.5.")


def test_in_shadow_it_says_that_nothing_acts_on_it():
    said = account(arrival(decision=decision(acted=False, action="review"))).sentence()
    assert f"{AT} would have been held for a review because" in said
    assert said.endswith("Nothing acts on that: the use case is in its shadow stage.")


def test_duplicates_are_counted():
    repeated = [arrival("duplicate", offset=n) for n in (8, 9)]
    assert (
        account(arrival(), *repeated)
        .sentence()
        .endswith(
            "It was sent 2 more times, which was recognised as a duplicate and not decided again."
        )
    )


def test_an_event_that_is_no_longer_kept_is_told_from_its_decision():
    gone = account(arrival(value=None, record=None))
    assert gone.sentence().startswith(f"The transaction of 312.40 EUR (card card-1) {AT} was")
    assert gone.arrivals[0].input_matches is None
    assert gone.is_proven


def test_of_what_is_older_than_the_topics_keep_only_the_audit_record_is_left():
    gone = account(arrival(value=None, record=None, decision=None, decision_value=None))
    assert gone.is_proven
    assert gone.sentence() == (
        "A record that holds this id was decided, and the decision is no longer kept."
    )


def test_a_dead_letter_says_why_in_words():
    said = account(arrival("dead letter", audit=None, letter=letter())).sentence()
    assert said == (
        f"The transaction of 312.40 EUR (card card-1, merchant merchant-1) {AT} was not decided "
        "because one of its values is not believable (amount_minor is 9)."
    )


def test_a_dead_letter_beside_a_decision_is_told_as_another_record():
    dead = arrival("dead letter", offset=9, audit=None, letter=letter("id_conflict", ""))
    assert (
        account(arrival(), dead)
        .sentence()
        .endswith(
            "Another record of it, at 3:9, was not decided because another event with the same "
            "id was decided before it."
        )
    )


@pytest.mark.parametrize(
    "changes",
    [{"value": b"tampered"}, {"decision_value": b"tampered"}, {"decision": None}],
    ids=["event", "decision", "no decision"],
)
def test_what_does_not_match_is_said_and_is_not_proven(changes):
    wrong = account(arrival(**changes))
    assert not wrong.is_proven
    assert not wrong.as_json()["proven"]
    assert "DOES NOT MATCH" in wrong.sentence()


def test_features_stand_by_the_weight_of_what_they_added():
    found = account().features(decision())
    assert [each.name for each in found] == [*reversed(CARD_FRAUD.feature_set.names)]
    assert found[0].contribution == -found[0].value


def test_features_of_another_feature_set_have_no_names():
    found = account().features(decision(feature_set=bytes(32), features=[4.0], contributions=[]))
    assert found == [("feature 1", 4.0, None)]


def test_another_kind_of_event_is_told_in_its_own_words():
    order = {
        "order_id": "o-1",
        "shop_id": "shop-9",
        "placed_at_ms": AT_MS,
        "quantity": 3,
        "value_minor": 5_000,
        "currency": "CHF",
    }
    waiting = Arrival(Place(0, 0), "waiting", record=order)
    assert Account(DEMAND, "o-1", [waiting]).sentence() == (
        f"The order placed of 50.00 CHF (shop shop-9) {AT} waits for its decision."
    )


def test_a_time_that_is_no_date_is_told_all_the_same():
    impossible = transaction(occurred_at_ms=2**62)
    said = account(
        arrival("dead letter", record=impossible, audit=None, letter=letter())
    ).sentence()
    assert f"on {2**62} ms after 1970" in said
