"""Profiles against the batch definition, on the Fraud Detection Handbook's transactions."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from headrace.usecase.feature_kinds import ProfileFeature
from headrace.usecase.profiles import Profile, Profiles

CHECKOUT = Path(__file__).resolve().parents[3]
FDH = CHECKOUT.parent / "shared/data/fdh/transactions_2018-04-01_2018-08-14.parquet"
DAYS = (1, 7, 30)
DELAY_MS = 7 * 86_400_000
TERMINALS = 600


@pytest.fixture(scope="module")
def transactions() -> pd.DataFrame:
    if not FDH.exists():
        pytest.skip(f"the handbook's transactions are not at {FDH}")
    frame = pd.read_parquet(FDH, columns=["TX_DATETIME", "TERMINAL_ID", "TX_FRAUD"])
    frame["TERMINAL_ID"] = frame["TERMINAL_ID"].astype("int64")
    defrauded = frame.loc[frame["TX_FRAUD"] == 1, "TERMINAL_ID"].drop_duplicates()
    frame = frame[frame["TERMINAL_ID"].isin(defrauded.sort_values().iloc[:TERMINALS])]
    times = frame["TX_DATETIME"].astype("datetime64[ms]").astype("int64")
    return frame.assign(at_ms=times).sort_values("at_ms", kind="stable").reset_index(drop=True)


def by_definition(transactions: pd.DataFrame, days: int) -> np.ndarray:
    """Count and fraud share, (n, 2): count(t-7d-w, t] - count(t-7d, t], as the handbook has it."""
    columns = []
    for _, rows in transactions.groupby("TERMINAL_ID"):
        times = rows["at_ms"].to_numpy()
        frauds = np.concatenate([[0], np.cumsum(rows["TX_FRAUD"].to_numpy())])
        end = np.searchsorted(times, times - DELAY_MS, "right")
        start = np.searchsorted(times, times - DELAY_MS - days * 86_400_000, "right")
        share = np.where(end > start, (frauds[end] - frauds[start]) / np.maximum(end - start, 1), 0)
        columns.append(pd.DataFrame({"count": end - start, "share": share}, index=rows.index))
    return pd.concat(columns).sort_index().to_numpy()


def test_terminal_windows_are_those_of_the_batch_definition(transactions) -> None:
    features = [
        ProfileFeature(name="it", profile="t", measure=measure, window=f"{days}d", delay="7d")
        for days in DAYS
        for measure in ("count", "positive_share")
    ]
    profiles = Profiles({"t": Profile(key="terminal")}, features, "at_ms", 0)
    columns = (transactions[name].tolist() for name in ("at_ms", "TERMINAL_ID", "TX_FRAUD"))
    waiting, known, measured = [], 0, []
    for at_ms, terminal, fraud in zip(*columns, strict=True):
        record = {"at_ms": at_ms, "terminal": str(terminal)}
        while known < len(waiting) and waiting[known]["at_ms"] + DELAY_MS <= at_ms:
            profiles.learn(waiting[known])
            known += 1
        measured.append(profiles.measure(record))
        profiles.observe(record)
        if fraud:
            waiting.append(record)
    assert transactions["TERMINAL_ID"].nunique() == TERMINALS
    expected = np.concatenate([by_definition(transactions, days) for days in DAYS], axis=1)
    np.testing.assert_array_equal(np.array(measured), expected)
    assert expected[:, 1].any()
