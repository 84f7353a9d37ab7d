"""Recorded transactions become events row by row, and what does not fit is a clear error."""

import sys
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from pyarrow import parquet

from headrace.contracts.codec import Encoder
from headrace.contracts.location import shipped
from headrace.contracts.schemas import load_schema
from headrace.errors import HeadraceError
from headrace.simulator import recorded
from headrace.simulator.mapping import Mapping
from headrace.simulator.recorded import Recorded, publications

SCHEMA = load_schema("card-fraud/Transaction")
MAPPING = Mapping.load(shipped("deploy") / "mappings" / "fdh.toml", SCHEMA)
START = datetime(2018, 4, 1, 0, 0, 31, tzinfo=UTC)


def table(**columns):
    rows = {
        "TRANSACTION_ID": [0, 1, 2],
        "TX_DATETIME": pa.array([START.replace(tzinfo=None)] * 3, pa.timestamp("ns")),
        "CUSTOMER_ID": [596, 4961, 2],
        "TERMINAL_ID": [3156, 3412, 1365],
        "TX_AMOUNT": [57.16, 81.51, 146.0],
        "TX_FRAUD": [0, 0, 0],
    }
    return pa.table({**rows, **columns})


@pytest.fixture
def write(tmp_path):
    def write(contents):
        path = tmp_path / "rows.parquet"
        parquet.write_table(contents, path)
        return path

    return write


def test_a_row_becomes_an_event(write):
    first, *_ = Recorded(write(table()), MAPPING)
    assert first == {
        "event_id": "0",
        "card_id": "596",
        "merchant_id": "3156",
        "amount_minor": 5_716,
        "currency": "EUR",
        "occurred_at_ms": START.timestamp() * 1_000,
        "distance_km": None,
    }


def test_events_are_keyed_by_the_charters_key_and_keep_the_files_order(write):
    events = Recorded(write(table()), MAPPING)
    encode = Encoder(SCHEMA, 1)
    published = list(publications(events, "card_id", encode))
    assert [publication.key for publication in published] == ["596", "4961", "2"]
    assert [publication.value for publication in published] == [encode(event) for event in events]


@pytest.mark.parametrize("limit", [1, 2, 3, 99])
def test_a_limit_takes_the_first_rows_over_several_batches(write, monkeypatch, limit):
    monkeypatch.setattr(recorded, "_BATCH_ROWS", 2)
    events = Recorded(write(table()), MAPPING, limit)
    ids = [event["event_id"] for event in events]
    assert ids == ["0", "1", "2"][:limit]
    assert events.rows == len(ids)


def test_a_missing_column_is_named_with_those_there_are(write):
    with pytest.raises(HeadraceError, match=r"no column TX_AMOUNT, .*amount_minor") as refused:
        Recorded(write(table().drop_columns("TX_AMOUNT")), MAPPING)
    assert "CUSTOMER_ID, TERMINAL_ID" in refused.value.fix


def test_a_column_of_another_type_is_named_with_what_was_expected(write):
    wrong = table(TX_AMOUNT=["57.16", "81.51", "146"], TX_DATETIME=[1, 2, 3])
    with pytest.raises(HeadraceError, match=r"TX_AMOUNT holds string; .*expect double") as refused:
        Recorded(write(wrong), MAPPING)
    assert "TX_DATETIME holds int64; for occurred_at_ms we expect timestamps" in str(refused.value)


@pytest.mark.parametrize(
    ("column", "problem"),
    [
        ({"TX_AMOUNT": [1.0, 2.0, None]}, "row 3 of .*: TX_AMOUNT is null"),
        ({"TX_AMOUNT": [1.0, 2.0, float("nan")]}, "row 3 .*: TX_AMOUNT holds nan"),
        ({"CUSTOMER_ID": [1, 2, None]}, "row 3 .*: CUSTOMER_ID is null"),
    ],
)
def test_a_row_without_a_value_is_named_after_the_batches_before_it(
    write, monkeypatch, column, problem
):
    monkeypatch.setattr(recorded, "_BATCH_ROWS", 2)
    events = iter(Recorded(write(table(**column)), MAPPING))
    assert [next(events)["event_id"], next(events)["event_id"]] == ["0", "1"]
    with pytest.raises(HeadraceError, match=problem):
        next(events)


def test_a_bad_row_past_the_limit_does_not_matter(write):
    events = Recorded(write(table(TX_AMOUNT=[1.0, 2.0, None])), MAPPING, 2)
    assert len(list(events)) == 2


def test_a_file_that_is_no_parquet_is_named(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("TRANSACTION_ID,TX_AMOUNT\n0,57.16\n")
    with pytest.raises(HeadraceError, match=r"cannot read .*rows.csv as Parquet"):
        Recorded(path, MAPPING)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(HeadraceError, match=r"cannot read .*nowhere.parquet"):
        Recorded(tmp_path / "nowhere.parquet", MAPPING)


def test_without_pyarrow_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(HeadraceError, match="pyarrow") as refused:
        Recorded(tmp_path / "rows.parquet", MAPPING)
    assert "headrace[parquet]" in refused.value.fix
