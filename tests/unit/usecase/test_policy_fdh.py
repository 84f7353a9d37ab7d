"""The policy on the Fraud Detection Handbook's transactions, scored by the shipped scorecard."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from support.desk import NOW_MS, Desk, charter_with, received, scorecard_of
from support.thresholds import cheapest_thresholds

CHECKOUT = Path(__file__).resolve().parents[3]
FDH = CHECKOUT.parent / "shared/data/fdh/transactions_2018-04-01_2018-08-14.parquet"
EVERY = 60
UNLIMITED = ("[review_capacity]\nper_day = 500\n", "")
SCARCE = ("per_day = 500", "per_day = 4")


@pytest.fixture(scope="module")
def transactions() -> pd.DataFrame:
    if not FDH.exists():
        pytest.skip(f"the handbook's transactions are not at {FDH}")
    frame = pd.read_parquet(FDH)
    frame = frame[frame["CUSTOMER_ID"] % EVERY == 0]
    return frame.sort_values("TX_DATETIME", kind="stable")


def decided(transactions, charter):
    """The decisions about the transactions, with their scores and what each action costs."""
    desk = Desk(charter, scorecard_of(charter))
    times = transactions["TX_DATETIME"].astype("datetime64[ms]").astype("int64")
    cents = (transactions["TX_AMOUNT"] * 100).round().astype("int64")
    columns = (times, transactions["CUSTOMER_ID"], transactions["TERMINAL_ID"], cents)
    events = [
        received(
            offset,
            partition=card // EVERY % 2,
            occurred_at_ms=time_ms,
            card_id=f"card-{card}",
            merchant_id=f"merchant-{terminal}",
            amount_minor=amount,
            arrived_ms=NOW_MS,
        )
        for offset, (time_ms, card, terminal, amount) in enumerate(zip(*columns, strict=True))
    ]
    decisions = desk.decisions(*events)
    scores = np.array([each["score"] for each in decisions])
    amounts = np.array([each["amount_minor"] for each in decisions], np.float64)
    return decisions, scores, charter.values.expected_costs(scores, amounts)


def total_cost(decisions, costs) -> float:
    severity = {"approve": 0, "review": 1, "decline": 2}
    rows = [severity[each["action"]] for each in decisions]
    return float(costs[rows, np.arange(len(decisions))].sum())


def test_the_policy_is_at_least_as_cheap_as_every_pair_of_thresholds(transactions) -> None:
    charter = charter_with(UNLIMITED)
    decisions, scores, costs = decided(transactions, charter)
    ours, theirs = total_cost(decisions, costs), cheapest_thresholds(scores, costs)
    print(f"{len(decisions)} events: policy {ours:.0f}, best thresholds {theirs:.0f} minor units")
    assert len(decisions) > 10_000
    assert {each["action"] for each in decisions} == {"approve", "review", "decline"}
    assert ours <= theirs * (1 + 1e-12)
    told = sum(each["expected_cost_minor"] for each in decisions)
    assert told == pytest.approx(ours, abs=0.5 * len(decisions))


def test_no_day_has_more_reviews_than_there_are_places(transactions) -> None:
    decisions, _, costs = decided(transactions, charter_with(SCARCE))
    reviewed = pd.Series(
        [each["occurred_at_ms"] // 86_400_000 for each in decisions if each["action"] == "review"]
    ).value_counts()
    unlimited, _, _ = decided(transactions, charter_with(UNLIMITED))
    print(f"most reviews on a day: {reviewed.max()}")
    assert 2 <= reviewed.max() <= 4
    assert total_cost(unlimited, costs) <= total_cost(decisions, costs)


def test_every_decision_but_a_plain_approval_has_reasons_with_their_codes(transactions) -> None:
    decisions, _, _ = decided(transactions, charter_with())
    for each in decisions:
        assert len(each["reasons"]) == len(each["reason_codes"]) <= 4
        assert each["reasons"] or each["action"] == "approve"
