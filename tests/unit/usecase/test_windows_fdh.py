"""The windows against pandas, on the Fraud Detection Handbook's transactions."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from headrace.contracts.location import shipped
from headrace.usecase.charter import Charter
from headrace.usecase.windows import KeyHistory, id_digest

CHECKOUT = Path(__file__).resolve().parents[3]
FDH = CHECKOUT.parent / "shared/data/fdh/transactions_2018-04-01_2018-08-14.parquet"
CARDS = 400
DAYS = (1, 7, 30)


@pytest.fixture(scope="module")
def transactions() -> pd.DataFrame:
    if not FDH.exists():
        pytest.skip(f"the handbook's transactions are not at {FDH}")
    frame = pd.read_parquet(FDH, columns=["TX_DATETIME", "CUSTOMER_ID", "TX_AMOUNT"])
    busiest = frame["CUSTOMER_ID"].drop_duplicates().sort_values().iloc[:: 4_900 // CARDS]
    frame = frame[frame["CUSTOMER_ID"].isin(busiest[:CARDS])]
    cents = (frame["TX_AMOUNT"] * 100).round().astype("int64")
    return frame.assign(cents=cents).sort_values(["CUSTOMER_ID", "TX_DATETIME"], kind="stable")


@pytest.fixture(scope="module")
def charter() -> Charter:
    return Charter.load(shipped("deploy") / "charters/card-fraud.toml")


@pytest.fixture(scope="module")
def measured(transactions: pd.DataFrame, charter: Charter) -> np.ndarray:
    """Count and sum, (n, 3, 2), by our windows."""
    times = transactions["TX_DATETIME"].astype("datetime64[ms]").astype("int64")
    flat: list[int] = []
    card, history = None, KeyHistory(charter.retention_ms)
    columns = (transactions["CUSTOMER_ID"], times, transactions["cents"])
    for offset, (customer, time_ms, cents) in enumerate(zip(*columns, strict=True)):
        if customer != card:
            card, history = customer, KeyHistory(charter.retention_ms)
        index, _, _ = history.add(time_ms, cents, offset, id_digest(str(offset)), b"payload8")
        flat += history.windows(index, charter.feature_set.windows_ms)
    return np.array(flat).reshape(-1, len(DAYS), 2)


def rolling(transactions: pd.DataFrame, days: int):
    cents = transactions.set_index("TX_DATETIME").groupby("CUSTOMER_ID")["cents"]
    return cents.rolling(f"{days}D", closed="right")


def test_at_least_300_cards_are_compared(transactions: pd.DataFrame) -> None:
    assert transactions["CUSTOMER_ID"].nunique() >= 300


@pytest.mark.parametrize("days", DAYS)
def test_counts_are_those_of_pandas(transactions, measured, days) -> None:
    counts = rolling(transactions, days).count().to_numpy()
    np.testing.assert_array_equal(measured[:, DAYS.index(days), 0], counts.astype(np.int64))


@pytest.mark.parametrize("days", DAYS)
def test_sums_in_minor_units_are_those_of_pandas_exactly(transactions, measured, days) -> None:
    sums = rolling(transactions, days).sum().to_numpy()
    assert (sums == np.rint(sums)).all()  # whole numbers below 2^53: floats hold them exactly
    np.testing.assert_array_equal(measured[:, DAYS.index(days), 1], sums.astype(np.int64))


@pytest.mark.parametrize("days", DAYS)
def test_mean_features_are_those_of_pandas_within_1e_9(
    transactions, measured, charter, days
) -> None:
    records = [{"amount_minor": cents} for cents in transactions["cents"]]
    matrix = charter.feature_set.matrix(records, measured.ravel())
    ours = matrix[:, charter.feature_set.names.index(f"card_mean_minor_{days}d")]
    theirs = rolling(transactions, days).mean().to_numpy()
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)
