"""The windows against pandas, on the Fraud Detection Handbook's transactions."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from headrace.usecase.entry import Layout
from headrace.usecase.history import KeyHistory, id_digest
from headrace.usecase.windows import Deviations, Largest, Windows

CHECKOUT = Path(__file__).resolve().parents[3]
FDH = CHECKOUT.parent / "shared/data/fdh/transactions_2018-04-01_2018-08-14.parquet"
CARDS = 400
DAYS = (1, 7, 30)
DAY_MS = 86_400_000
RETENTION_MS = 31 * DAY_MS


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
def measured(transactions: pd.DataFrame) -> np.ndarray:
    """Count, sum, standard deviation and largest, (n, 3, 4), by our windows."""
    times = transactions["TX_DATETIME"].astype("datetime64[ms]").astype("int64")
    flat: list[float] = []
    layout, spans_ms = Layout(squares=True), [days * DAY_MS for days in DAYS]
    windows = Windows(spans_ms, [Deviations(range(3)), Largest(range(3))])
    card, history = None, KeyHistory(RETENTION_MS, layout)
    columns = (transactions["CUSTOMER_ID"], times, transactions["cents"])
    for offset, (customer, time_ms, cents) in enumerate(zip(*columns, strict=True)):
        if customer != card:
            card, history = customer, KeyHistory(RETENTION_MS, layout)
        index, _, _ = history.add(time_ms, cents, offset, id_digest(str(offset)), b"payload8")
        flat += windows.measure(history, index)
    table = np.array(flat).reshape(-1, 4 * len(DAYS))
    pairs, deviation, most = table[:, :6].reshape(-1, 3, 2), table[:, 6:9], table[:, 9:]
    return np.concatenate([pairs, deviation[:, :, None], most[:, :, None]], axis=2)


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
def test_means_are_those_of_pandas_within_1e_9(transactions, measured, days) -> None:
    window = measured[:, DAYS.index(days)]
    theirs = rolling(transactions, days).mean().to_numpy()
    np.testing.assert_allclose(window[:, 1] / window[:, 0], theirs, rtol=0, atol=1e-9)


@pytest.mark.parametrize("days", DAYS)
def test_standard_deviations_are_those_of_the_population_by_pandas(
    transactions, measured, days
) -> None:
    theirs = rolling(transactions, days).std(ddof=0).to_numpy()
    # pandas' running variance drifts; ours is exact, see test_windows.py.
    np.testing.assert_allclose(measured[:, DAYS.index(days), 2], theirs, rtol=1e-6, atol=1e-3)


@pytest.mark.parametrize("days", DAYS)
def test_the_largest_are_those_of_pandas_exactly(transactions, measured, days) -> None:
    theirs = rolling(transactions, days).max().to_numpy()
    np.testing.assert_array_equal(measured[:, DAYS.index(days), 3], theirs)
