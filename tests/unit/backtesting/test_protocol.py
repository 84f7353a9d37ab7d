"""The handbook's protocol: which events count."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from headrace.backtesting.protocol import TRAIN_FROM, Protocol, last_known

FDH = (
    Path(__file__).resolve().parents[4]
    / "shared/data/fdh/transactions_2018-04-01_2018-08-14.parquet"
)
DAY_MS = 86_400_000
MONDAY = date(2024, 1, 1)
MONDAY_MS = 1_704_067_200_000


def rows(*events: tuple[int, str, bool]) -> list[int]:
    """The rows that count, given the day, the card and whether it was fraud of each."""
    days, cards, frauds = zip(*events, strict=True)
    times_ms = MONDAY_MS + np.array(days) * DAY_MS + 1
    decided = np.ones(len(days), bool)
    return Protocol(MONDAY, times_ms, cards, np.array(frauds), decided).rows.tolist()


def test_the_third_week_is_tested() -> None:
    assert rows(*((day, f"card-{day}", False) for day in range(-2, 30))) == list(range(16, 23))


def test_a_card_with_a_fraud_in_the_first_week_does_not_count() -> None:
    assert rows((6, "a", True), (14, "a", True), (20, "a", False), (20, "b", False)) == [3]


def test_a_card_with_a_fraud_counts_until_that_is_known() -> None:
    events = [(9, "a", True), *((day, "a", True) for day in range(14, 21))]
    # Of the ninth day it is known on test day 3, as the handbook counts: 7 + 3 - 1.
    assert rows(*events) == [1, 2, 3]


def test_what_was_not_decided_does_not_count_but_what_it_was_is_known() -> None:
    times_ms = MONDAY_MS + np.array([6, 15, 15]) * DAY_MS
    decided = np.array([False, True, False])
    protocol = Protocol(MONDAY, times_ms, list("aab"), np.array([True, False, False]), decided)
    assert protocol.rows.tolist() == []


def test_on_the_handbook_s_file_it_counts_what_the_handbook_counts() -> None:
    if not FDH.exists():
        pytest.skip(f"the handbook's transactions are not at {FDH}")
    frame = pd.read_parquet(FDH, columns=["TX_DATETIME", "CUSTOMER_ID", "TX_FRAUD"])
    times_ms = frame["TX_DATETIME"].astype("datetime64[ms]").astype("int64").to_numpy()
    positive = frame["TX_FRAUD"].to_numpy() == 1
    protocol = Protocol(
        TRAIN_FROM, times_ms, frame["CUSTOMER_ID"].astype(str), positive, np.ones(len(frame), bool)
    )
    assert (len(protocol.rows), int(positive[protocol.rows].sum())) == (58_264, 385)
    perfect = protocol.measure(positive.astype(float))
    assert perfect.average_precision == 1.0
    assert round(perfect.card_precision_100, 3) == 0.397


@pytest.mark.parametrize(
    ("known_until_days", "last_day", "train_from"),
    [
        (40.5, 50, date(2024, 1, 20)),  # the test week ends with the 40th day
        (90.0, 50, date(2024, 1, 31)),  # nothing has happened since the 50th
        (51.0, 50, date(2024, 1, 31)),
    ],
)
def test_the_last_week_of_which_all_is_known_can_be_tested(
    known_until_days, last_day, train_from
) -> None:
    known_ms = MONDAY_MS + round(known_until_days * DAY_MS)
    assert last_known(known_ms, MONDAY_MS + last_day * DAY_MS + 5) == train_from
    week = Protocol.test_week_ms(train_from)
    assert week.stop <= known_ms
