"""``headrace charter``: what it prints, and how it exits."""

import json
import tomllib
from pathlib import Path

import pytest

from headrace.cli import app
from headrace.commands import console
from headrace.contracts.location import shipped
from headrace.usecase.charter import Charter
from headrace.usecase.enforcement import SECTIONS
from support.json_schema import faults

CARD_FRAUD = shipped("deploy") / "charters/card-fraud.toml"
DEMAND = Path(__file__).parents[2] / "support/charters/demand.toml"


@pytest.fixture
def run(capsys, monkeypatch):
    """Run a command of ``headrace charter``; returns its exit code and what it printed."""
    monkeypatch.setattr(console.results, "_width", 200)

    def run(*arguments: str | Path) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            app(["charter", *map(str, arguments)])
        return ended.value.code or 0, capsys.readouterr().out

    return run


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "broken.toml"
    path.write_text(CARD_FRAUD.read_text().replace('stage = "live"', 'stage = "on"'))
    return path


def test_what_is_right_is_said_and_exits_0(run) -> None:
    code, out = run("check", CARD_FRAUD, DEMAND)
    assert code == 0
    assert "card-fraud, version 1, stage live" in out
    assert "demand, version 1, stage shadow" in out


def test_without_a_path_every_charter_that_is_shipped_is_checked(run) -> None:
    assert str(CARD_FRAUD) in run("check")[1]


def test_every_charter_is_checked_though_one_is_wrong_and_it_exits_1(run, broken, tmp_path) -> None:
    code, out = run("check", broken, tmp_path / "none.toml", DEMAND)
    assert code == 1
    assert "line 6, stage: is 'on'; it should be 'shadow', 'canary' or 'live'" in out
    assert "none.toml cannot be read" in out
    assert "demand, version 1" in out


def test_errors_are_told_as_json_with_line_key_and_fix(run, broken) -> None:
    code, out = run("check", broken, "--json")
    (found,) = json.loads(out)
    assert (code, found["ok"], found["path"]) == (1, False, str(broken))
    (error,) = found["errors"]
    assert (error["line"], error["key"], error["fix"]) == (
        6,
        "stage",
        "it should be 'shadow', 'canary' or 'live'",
    )


def test_show_tells_what_is_enforced_from_what_is_declared(run) -> None:
    code, out = run("show", CARD_FRAUD)
    enforced, declared = out.split("Declared: ")
    assert code == 0
    assert "Head of Payments Risk answers for it" in enforced
    assert 'duplicate_span = "7d"' in enforced
    assert "per_month_minor = 250_000" in declared
    assert 'kpi = "fraud_loss_share", above = 0.003, over = "28d"' in declared


def test_show_as_json_has_every_section_as_it_is_declared(run) -> None:
    shown = json.loads(run("show", DEMAND, "--json")[1])
    sections = {each["section"]: each for each in shown["sections"]}
    assert sections["deadline"]["declares"] == {"within": "60s", "late_action": "approve"}
    assert sections["stage"]["enforced"]
    assert not sections["budget"]["enforced"]
    assert shown["digest"] == Charter.load(DEMAND).digest.hex()


def test_every_section_of_a_charter_says_what_becomes_of_it() -> None:
    assert set(SECTIONS) == set(Charter.model_fields)


def test_the_json_schema_takes_right_charters_and_refuses_wrong_ones(run) -> None:
    schema = json.loads(run("schema")[1])
    assert schema["$schema"].endswith("2020-12/schema")
    document = as_json(DEMAND)
    assert faults(document, schema) == []
    assert faults(as_json(CARD_FRAUD), schema) == []
    del document["owner"]
    document["events"]["latenes"] = "1h"
    document["stage"] = "on"
    document["deadline"]["within"] = "soon"
    assert {fault.split(":")[0] for fault in faults(document, schema)} == {
        "",
        "/events",
        "/stage",
        "/deadline/within",
    }


def test_the_json_schema_says_what_each_key_declares(run) -> None:
    schema = json.loads(run("schema")[1])
    undescribed = [
        f"{name}.{key}"
        for name, table in [("charter", schema), *schema["$defs"].items()]
        if name in ("charter", "Owner", "Kpi", "Labels", "LabelSource", "Events", "Budget")
        for key, declared in table["properties"].items()
        if "description" not in declared | schema["$defs"].get(declared.get("$ref", "")[8:], {})
    ]
    assert undescribed == []


def as_json(path: Path):
    return tomllib.loads(path.read_text())


def test_a_model_that_cannot_be_learned_is_found_by_the_check(run, tmp_path) -> None:
    fdh = CARD_FRAUD.parent / "card-fraud-fdh.toml"
    path = tmp_path / "charter.toml"
    path.write_text(fdh.read_text().replace('family = "logistic"', 'family = "logistics"'))
    code, out = run("check", path)
    assert code == 1
    assert "did you mean logistic" in " ".join(out.split())
