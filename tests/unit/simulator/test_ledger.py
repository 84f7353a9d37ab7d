"""The ledger holds the truth about what was published, which no event tells."""

import csv
import sys
from collections import Counter

import pytest

from headrace.contracts.codec import Decoder, Encoder
from headrace.contracts.schemas import load_schema
from headrace.errors import HeadraceError
from headrace.simulator.kinds import DECIDED
from headrace.simulator.ledger import Ledger, require_format
from headrace.simulator.population import AGE_BANDS
from headrace.simulator.purchases import PATTERNS
from headrace.simulator.traffic import Traffic

SCHEMA = load_schema("card-fraud/Transaction")
EVENTS = 20_000
DAY_MS = 86_400_000


def run(ledger):
    encode = Encoder(SCHEMA, 7)
    return list(
        Traffic(3, EVENTS, encode, lateness_ms=DAY_MS, duplicate_span_ms=7 * DAY_MS, ledger=ledger)
    )


@pytest.fixture(scope="module")
def ledger():
    return Ledger()


@pytest.fixture(scope="module")
def published(ledger):
    return run(ledger)


@pytest.fixture(scope="module")
def rows(ledger, published):
    columns = ledger.columns()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def test_each_purchase_that_was_published_has_its_row(published, rows):
    kinds = Counter(publication.kind for publication in published)
    del kinds["duplicate"], kinds["id_conflict"]
    assert Counter(row["kind"] for row in rows) == kinds


def test_a_row_says_what_its_event_says(published, rows):
    decode = Decoder(SCHEMA, lambda _: SCHEMA, 1_048_576)
    by_id = {row["event_id"]: row for row in rows}
    for publication in published:
        if publication.kind in DECIDED:
            event = decode(publication.value)
            row = by_id[event["event_id"]]
            assert row["kind"] == publication.kind
            same = ("card_id", "merchant_id", "occurred_at_ms")
            assert [row[name] for name in same] == [event[name] for name in same]


def test_every_pattern_is_there_by_name_and_only_where_it_is_fraud(rows):
    assert {row["pattern"] for row in rows} == {"", *PATTERNS}
    assert all(row["fraudulent"] == (row["pattern"] != "") for row in rows)


def test_a_card_has_one_holder_of_one_age_band(rows):
    bands = {(row["card_id"], row["age_band"]) for row in rows}
    assert len(bands) == len({row["card_id"] for row in rows})
    assert {band for _, band in bands} == set(AGE_BANDS)


def test_no_event_says_fraud_or_age():
    names = {field["name"] for field in SCHEMA["fields"]}
    assert not names & {"age_band", "fraudulent", "pattern", "kind"}


def test_keeping_a_ledger_changes_nothing_of_what_is_published(published):
    assert run(None) == published


def test_a_csv_file_holds_the_rows(ledger, rows, tmp_path):
    ledger.write(tmp_path / "truth.csv")
    with (tmp_path / "truth.csv").open(newline="") as file:
        read = list(csv.DictReader(file))
    assert read == [{name: str(value) for name, value in row.items()} for row in rows]


def test_a_parquet_file_holds_the_rows(ledger, rows, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    ledger.write(tmp_path / "truth.parquet")
    assert parquet.read_table(tmp_path / "truth.parquet").to_pylist() == rows


def test_a_ledger_of_nothing_has_its_columns_and_no_rows(tmp_path):
    Ledger().write(tmp_path / "truth.csv")
    assert (tmp_path / "truth.csv").read_text().startswith("event_id,card_id,merchant_id,")
    assert len((tmp_path / "truth.csv").read_text().splitlines()) == 1


def test_another_format_or_a_missing_folder_is_refused_beforehand(tmp_path):
    with pytest.raises(HeadraceError, match="neither Parquet nor CSV"):
        require_format(tmp_path / "truth.xlsx")
    with pytest.raises(HeadraceError, match="is missing"):
        require_format(tmp_path / "nowhere" / "truth.csv")


def test_parquet_without_pyarrow_is_refused_with_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(HeadraceError, match="needs pyarrow"):
        require_format(tmp_path / "truth.parquet")
