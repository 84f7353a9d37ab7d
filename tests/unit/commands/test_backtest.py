"""``headrace backtest``: what it prints, writes and refuses."""

import json
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from headrace.backtesting.history import History, readable
from headrace.backtesting.replay import SCORECARD, SERVED
from headrace.backtesting.told import Told
from headrace.cli import app
from headrace.commands import console
from headrace.errors import HeadraceError
from headrace.usecase.charter import Charter
from support.charter_texts import card_fraud
from unit.backtesting.conftest import DAY_MS, FDH_CHARTER, START_MS, recorded
from unit.backtesting.messages import decode, message, received

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
    assert {SERVED, SCORECARD} <= told["measured"].keys()
    assert told["measured"]["in one batch: logistic regression"]["average_precision"] > 0.3
    assert told["measured"]["published: random forest"]["average_precision"] == 0.658
    picture = Path(told["picture"]).read_text()
    assert picture.count("<polyline") >= 4
    assert SERVED in picture


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
        ({"--decisions-out": "/nowhere/decisions.parquet"}, "in a folder that there is"),
        ({"--from": "nowhere.parquet"}, "cannot read nowhere.parquet"),
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


def test_a_charter_that_learns_nothing_is_refused(file, tmp_path) -> None:
    path = tmp_path / "charter.toml"
    path.write_text(card_fraud(learning=False))
    with pytest.raises(HeadraceError, match="learns nothing"):
        app(["backtest", "--from", str(file), "--charter", str(path)])


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


def rewritten(file: Path, **columns) -> None:
    """Change columns of the file, each by a function of its values."""
    table = parquet.read_table(file)
    for name, change in columns.items():
        values = change(table[name].to_pylist())
        table = table.set_column(table.column_names.index(name), name, pa.array(values))
    parquet.write_table(table, file)


def test_labels_that_are_no_numbers_are_refused(file) -> None:
    rewritten(file, TX_FRAUD=lambda labels: ["x" for _ in labels])
    with pytest.raises(HeadraceError, match="has no label in TX_FRAUD"):
        app(["backtest", "--from", str(file)])
    rewritten(file, TX_FRAUD=lambda labels: [float("nan"), *[0.0 for _ in labels[1:]]])
    with pytest.raises(HeadraceError, match="1 rows without a label"):
        app(["backtest", "--from", str(file)])


def test_a_row_that_is_not_decided_costs_no_model_its_place(run, file) -> None:
    arguments = ("--from", file, "--train-from", TRAIN_FROM, "--json")
    before = json.loads(run(*arguments))
    faulty = before["events"] - 700  # in the test week
    rewritten(
        file, TX_AMOUNT=lambda cents: [-1.0 if n == faulty else c for n, c in enumerate(cents)]
    )
    after = json.loads(run(*arguments))
    assert after["rejected"] == 1
    assert after["tested"] == before["tested"] - 1
    assert after["measured"].keys() == before["measured"].keys()


def test_where_nothing_is_known_before_the_test_week_nothing_is_learned_in_one_batch(
    run, file
) -> None:
    told = json.loads(run("--from", file, "--train-from", "2018-05-18", "--json"))
    assert SCORECARD in told["measured"]
    assert not [name for name in told["measured"] if name.startswith("in one batch")]


def test_an_empty_file_gives_an_empty_result(run, file, tmp_path) -> None:
    parquet.write_table(parquet.read_table(file).slice(0, 0), file)
    out = tmp_path / "decisions.parquet"
    assert json.loads(run("--from", file, "--decisions-out", out, "--json"))["events"] == 0
    assert parquet.read_table(out).num_rows == 0


def test_a_file_that_is_not_in_order_is_refused_with_the_row(file) -> None:
    rewritten(file, TX_DATETIME=lambda times: [*times[:100], times[-1], *times[101:]])
    with pytest.raises(HeadraceError, match="not in the order of its times: row 102 is"):
        app(["backtest", "--from", str(file)])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Say --from, or --topics"),
        (["--from", "f.parquet", "--topics"], "Say --from, or --topics"),
        (["--topics", "--mapping", "m.toml"], "--mapping cannot be used with --topics"),
        (["--from", "f.parquet", "--as-decided"], "--from cannot be used with --as-decided"),
        (
            ["--topics", "--as-decided", "--limit", "3", "--train-from", "2018-06-20"],
            "--limit and --train-from cannot be used with --as-decided",
        ),
    ],
)
def test_options_that_do_not_go_together_are_refused(arguments, told) -> None:
    with pytest.raises(HeadraceError) as caught:
        app(["backtest", *arguments])
    assert told in f"{caught.value.message} {caught.value.fix}"


@pytest.fixture
def topics(monkeypatch) -> None:
    """Topics with payments of 40 days, one of them faulty, and with their labels."""
    charter, now_ms = Charter.load(FDH_CHARTER), START_MS + 100 * DAY_MS
    events = recorded(1_200)
    faulty = {**events[9].record, "event_id": "faulty", "amount_minor": -1}
    payments = [message(each, each["card_id"]) for each in (*(e.record for e in events), faulty)]
    labels = [
        {
            "kind": "label",
            "event_id": event.record["event_id"],
            "key": event.record["card_id"],
            **label._asdict(),
        }
        for event in events
        for label in event.labels
    ]
    heard = received(*(message(each, each["key"]) for each in labels))
    last_ms = events[-1].record["occurred_at_ms"]

    def history(path: Path | None, limit: int | None) -> tuple[Charter, History]:
        assert path is None
        left_out, told = Counter[str](), Told(charter, heard, Counter(), now_ms)
        read = readable(payments, decode, left_out)
        rows = len(payments)
        return charter, History(charter, [read], rows, told, left_out, last_ms, now_ms, limit)

    monkeypatch.setattr("headrace.commands.backtest.history", history)


@pytest.mark.usefixtures("topics")
def test_topics_are_measured_by_their_labels_in_the_last_week_of_which_all_is_known(run) -> None:
    told = json.loads(run("--topics", "--json"))
    assert told["events"] == 1_200
    assert told["events_left_out"] == {"invalid_value": 1}
    assert told["labels"] == sum(event.is_positive for event in recorded(1_200))
    last_day = datetime.fromtimestamp(START_MS / 1_000, UTC) + timedelta(days=39)
    three_weeks = timedelta(days=21)  # the last label of a fraud of that day came a week later
    assert told["train_from"] == str((last_day - three_weeks).date())
    assert {SERVED, SCORECARD, "in one batch: boosted trees"} <= told["measured"].keys()
    assert not any(name.startswith("published") for name in told["measured"])


@pytest.mark.usefixtures("topics")
def test_what_of_the_topics_was_left_out_is_in_the_table_too(run) -> None:
    told = run("--topics", "--limit", 100)
    assert "events_left_out" in told
    assert "none" in told
