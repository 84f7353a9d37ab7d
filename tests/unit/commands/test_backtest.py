"""``headrace backtest``: what it prints, writes and refuses."""

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from headrace.cli import app
from headrace.commands import console
from headrace.errors import HeadraceError

START = datetime(2018, 6, 1, tzinfo=UTC)
ROWS = 3_000
TRAIN_FROM = "2018-06-20"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Payments of a month, in the handbook's columns; some terminals are bad."""
    rnd = random.Random(1)
    times = sorted(START + timedelta(seconds=rnd.randrange(45 * 86_400)) for _ in range(ROWS))
    terminals = [rnd.randrange(9) for _ in times]
    table = pa.table(
        {
            "TRANSACTION_ID": list(range(ROWS)),
            "CUSTOMER_ID": [str(rnd.randrange(300)) for _ in times],
            "TERMINAL_ID": [str(terminal) for terminal in terminals],
            "TX_AMOUNT": [rnd.randrange(100, 20_000) / 100 for _ in times],
            "TX_DATETIME": pa.array([t.replace(tzinfo=None) for t in times], pa.timestamp("us")),
            "TX_FRAUD": [int(t == 1 and rnd.random() < 0.7) for t in terminals],
        }
    )
    path = tmp_path / "payments.parquet"
    parquet.write_table(table, path)
    return path


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run the command; returns what it printed."""
    monkeypatch.setattr(console.results, "_width", 200)
    monkeypatch.setenv("HEADRACE_HOME", str(tmp_path / "home"))

    def run(*arguments: object) -> str:
        with pytest.raises(SystemExit) as ended:
            app(["backtest", *map(str, arguments)])
        assert not ended.value.code
        return capsys.readouterr().out

    return run


def test_it_measures_each_model_beside_what_was_published(run, file, tmp_path) -> None:
    told = json.loads(run("--from", file, "--train-from", TRAIN_FROM, "--json"))
    assert told["events"] == ROWS
    assert told["rejected"] == 0
    assert {"served", "scorecard"} <= told["measured"].keys()
    assert told["measured"]["in one batch: logistic regression"]["average_precision"] > 0.3
    assert told["measured"]["published: random forest"]["average_precision"] == 0.658
    picture = Path(told["picture"]).read_text()
    assert picture.count("<polyline") >= 4
    assert "served" in picture


def test_it_prints_a_table(run, file) -> None:
    told = run("--from", file, "--train-from", TRAIN_FROM)
    assert "card precision@100" in told
    assert "published: XGBoost" in told


def test_decisions_are_written_one_for_each_event(run, file, tmp_path) -> None:
    out = tmp_path / "decisions.parquet"
    run("--from", file, "--train-from", TRAIN_FROM, "--decisions-out", out, "--limit", 500)
    table = parquet.read_table(out)
    assert table.column_names == ["event_id", "score"]
    assert table["event_id"].to_pylist() == [str(n) for n in range(500)]
    assert all(0 <= score <= 1 for score in table["score"].to_pylist())


def test_without_the_test_week_it_says_so_and_decides_all_the_same(run, file) -> None:
    assert json.loads(run("--from", file, "--json"))["measured"] == {}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"--decisions-out": "decisions.csv"}, "Name a .parquet file"),
        ({"--from": "nowhere.parquet"}, "cannot read nowhere.parquet"),
        ({"--charter": "deploy/charters/card-fraud.toml"}, "Declare [learning]"),
    ],
)
def test_what_cannot_be_done_is_said_with_what_would_be_right(
    file, change, told, monkeypatch
) -> None:
    monkeypatch.chdir(Path(__file__).parents[3])
    arguments = {"--from": file} | change
    with pytest.raises(HeadraceError) as caught:
        app(["backtest", *(str(part) for pair in arguments.items() for part in pair)])
    assert told in f"{caught.value.message} {caught.value.fix}"


def test_a_mapping_without_a_label_is_refused(file, tmp_path) -> None:
    shipped = Path(__file__).parents[3] / "deploy/mappings/fdh.toml"
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(shipped.read_text().replace('[label]\nfrom = "TX_FRAUD"', ""))
    with pytest.raises(HeadraceError, match="which column holds what an event really was"):
        app(["backtest", "--from", str(file), "--mapping", str(mapping)])


def test_a_row_without_a_label_is_refused(tmp_path, file) -> None:
    table = parquet.read_table(file)
    labels = pa.array([None, *table["TX_FRAUD"].to_pylist()[1:]])
    place = table.column_names.index("TX_FRAUD")
    parquet.write_table(table.set_column(place, "TX_FRAUD", labels), file)
    with pytest.raises(HeadraceError, match="1 rows without a label in TX_FRAUD"):
        app(["backtest", "--from", str(file)])
