"""Windows through the real pipeline, against pandas, on the Handbook's transactions."""

import uuid
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from support.running import scoring
from support.use_case import deployed

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]

CHECKOUT = Path(__file__).resolve().parents[2]
FDH = CHECKOUT.parent / "shared/data/fdh/transactions_2018-04-01_2018-08-14.parquet"
SEED = 11
CARDS = 300
DISORDERED_CARDS = 60
DAY_MS = 86_400_000
DAYS = (1, 7, 30)


@pytest.fixture(scope="module")
def transactions() -> pd.DataFrame:
    """All transactions of some cards, in the order in which they are published.

    Those of ``CARDS`` cards are published in the order of time; those of ``DISORDERED_CARDS``
    others as much as the allowed lateness after each other's time.
    """
    if not FDH.exists():
        pytest.skip(f"the handbook's transactions are not at {FDH}")
    columns = ["TRANSACTION_ID", "TX_DATETIME", "CUSTOMER_ID", "TERMINAL_ID", "TX_AMOUNT"]
    frame = pd.read_parquet(FDH, columns=columns)
    random = np.random.default_rng(SEED)
    print(f"seed {SEED}")
    cards = random.choice(frame["CUSTOMER_ID"].unique(), CARDS + DISORDERED_CARDS, replace=False)
    frame = frame[frame["CUSTOMER_ID"].isin(cards)].sort_values("TX_DATETIME", kind="stable")
    time_ms = frame["TX_DATETIME"].astype("datetime64[ms]").astype("int64")
    disordered = frame["CUSTOMER_ID"].isin(cards[CARDS:])
    delay_ms = random.uniform(0, 0.99 * DAY_MS, len(frame)) * disordered
    frame = frame.assign(
        time_ms=time_ms,
        cents=(frame["TX_AMOUNT"] * 100).round().astype("int64"),
        disordered=disordered,
        due_ms=time_ms + delay_ms,
    )
    return frame.sort_values("due_ms", kind="stable").reset_index(drop=True)


@pytest.fixture(scope="module")
def decided(stack, transactions, tmp_path_factory) -> pd.DataFrame:
    """The transactions with the features of their decisions, by name."""
    name, folder = f"test-{uuid.uuid4().hex[:8]}", tmp_path_factory.mktemp("windows")
    with deployed(name, folder) as case:
        encode = case.encoder("events")
        case.publish((each["card_id"], encode(each)) for each in events(transactions))
        with scoring(case) as service:
            service.until(case.is_done, 120)
        decisions = case.records("decisions")
        names = case.charter.feature_set.names
    assert len(decisions) == len(transactions)
    assert not any(each["late"] for each in decisions)
    features = pd.DataFrame([each["features"] for each in decisions], columns=list(names))
    features["TRANSACTION_ID"] = [int(each["event_id"]) for each in decisions]
    return transactions.merge(features, on="TRANSACTION_ID", validate="one_to_one")


def events(frame):
    for number, card, terminal, time_ms, cents in zip(
        *(frame[c] for c in ("TRANSACTION_ID", "CUSTOMER_ID", "TERMINAL_ID", "time_ms", "cents")),
        strict=True,
    ):
        yield {
            "event_id": str(number),
            "card_id": str(card),
            "merchant_id": str(terminal),
            "amount_minor": cents,
            "currency": "EUR",
            "occurred_at_ms": time_ms,
            "distance_km": None,
        }


def sorted_replay(frame, days, statistic):
    """Return pandas' rolling (t - w, t] over a card's transactions in the order of time."""
    replayed = frame.sort_values(["CUSTOMER_ID", "TX_DATETIME"], kind="stable")
    cents = replayed.set_index("TX_DATETIME").groupby("CUSTOMER_ID")["cents"]
    rolling = cents.rolling(f"{days}D", closed="right")
    return pd.Series(getattr(rolling, statistic)().to_numpy(), index=replayed.index).loc[
        frame.index
    ]


def comes_after_all(frame):
    """Tell of each transaction whether all earlier ones of its card were published before it."""
    by_card = frame.iloc[::-1].groupby("CUSTOMER_ID")["time_ms"]
    earliest_to_come = by_card.transform(lambda times: times.cummin().shift(fill_value=2**62))
    return earliest_to_come.loc[frame.index] > frame["time_ms"]


def test_hundreds_of_cards_and_all_their_transactions_are_compared(decided):
    in_order = decided[~decided["disordered"]]
    print(f"{len(in_order)} in order, {len(decided) - len(in_order)} disordered")
    assert in_order["CUSTOMER_ID"].nunique() >= 300
    assert len(in_order) > 50_000


@pytest.mark.parametrize("days", DAYS)
def test_counts_are_those_of_pandas_exactly(decided, days):
    frame = decided[~decided["disordered"]]
    expected = sorted_replay(frame, days, "count")
    np.testing.assert_array_equal(frame[f"card_count_{days}d"], expected)


@pytest.mark.parametrize("days", DAYS)
def test_means_are_those_of_pandas_within_1e_9(decided, days):
    frame = decided[~decided["disordered"]]
    expected = sorted_replay(frame, days, "mean")
    np.testing.assert_allclose(frame[f"card_mean_minor_{days}d"], expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("days", DAYS)
def test_out_of_order_events_count_as_in_a_sorted_replay_for_all_that_come_after(decided, days):
    frame = decided[decided["disordered"]]
    behind = frame.groupby("CUSTOMER_ID")["time_ms"].cummax() > frame["time_ms"]
    after = comes_after_all(frame)
    assert behind.mean() > 0.3
    assert (after & behind).sum() > 500
    counts, means = sorted_replay(frame, days, "count"), sorted_replay(frame, days, "mean")
    np.testing.assert_array_equal(frame[f"card_count_{days}d"][after], counts[after])
    np.testing.assert_allclose(
        frame[f"card_mean_minor_{days}d"][after], means[after], rtol=0, atol=1e-9
    )


@pytest.mark.parametrize("days", DAYS)
def test_an_out_of_order_event_counts_what_came_before_it_in_the_windows_of_its_own_time(
    decided, days
):
    for _, card in decided[decided["disordered"]].groupby("CUSTOMER_ID"):
        times = card["time_ms"].to_numpy()
        age_ms = times[:, None] - times[None, :]
        came_before = np.tri(len(times), dtype=bool)
        within = came_before & (age_ms >= 0) & (age_ms < days * DAY_MS)
        np.testing.assert_array_equal(card[f"card_count_{days}d"], within.sum(axis=1))
