"""A broken charter: every mistake at once, of whatever kind, each with its line and the fix."""

import re
from pathlib import Path

import pytest

from headrace.contracts.location import shipped
from headrace.contracts.schemas import field_names
from headrace.usecase.charter import Charter
from headrace.usecase.problems import CharterError

TEXT = (shipped("deploy") / "charters/card-fraud.toml").read_text()

TEN = [
    ('stage = "live"', 'stage = "on"', "stage", "'shadow', 'canary' or 'live'"),
    ('contact = "payments', 'contacts = "payments', "owner.contacts", "did you mean contact?"),
    ("target = 0.002", 'target = "low"', "kpis.1.target", "it should be a finite number"),
    (
        'kpi = "false_decline_share"',
        'kpi = "false_declines"',
        "stop.1.kpi",
        "did you mean false_decline_share?",
    ),
    ("per_month_minor = 250_000", "per_month_minor = -1", "budget.per_month_minor", "than 0"),
    ('within = "2s"', 'within = "fast"', "deadline.within", '"200ms", "2s"'),
    ('delay = "14d"', 'delay = "90d"', "labels.sources.chargeback", "not be longer than horizon"),
    ('duplicate_span = "7d"', 'duplicate_span = "1w"', "events.duplicate_span", '"12h", "7d"'),
    ('key = "card_id"', 'key = "card"', "events.key", "did you mean card_id?"),
    ("distance_km = {", "distance = {", "events.checks.distance", "did you mean distance_km?"),
]
"""Text, what stands there instead, the key that is told, and what is told to be right."""


@pytest.fixture
def findings(tmp_path: Path):
    """Return what is found in a text."""

    def find(text: str):
        (tmp_path / "charter.toml").write_text(text)
        with pytest.raises(CharterError) as caught:
            Charter.load(tmp_path / "charter.toml", field_names)
        return caught.value.findings

    return find


def without(section: str, text: str = TEXT) -> str:
    """Return the charter without a table, or without all of an array's."""
    pattern = rf"(?m)^\[\[?{section}\]\]?\n(?:(?!\[).*\n)*"
    assert re.search(pattern, text)
    return re.sub(pattern, "", text)


def test_ten_mistakes_are_ten_errors_each_with_its_line_and_the_fix(findings) -> None:
    text = TEXT
    for old, new, *_ in TEN:
        assert old in text
        text = text.replace(old, new, 1)
    found = findings(text)
    for _, new, key, right in TEN:
        line = text.split(new)[0].count("\n") + 1
        assert [right in str(each) for each in found if (each.line, each.key) == (line, key)] == [
            True
        ], (key, *map(str, found))


def test_errors_stand_in_the_order_of_the_lines_and_none_is_told_twice(findings) -> None:
    text = TEXT
    for old, new, *_ in TEN:
        text = text.replace(old, new, 1)
    found = findings(text)
    assert [each.line for each in found] == sorted(each.line for each in found)
    assert len(set(found)) == len(found)


def test_a_mistake_in_a_part_hides_nothing_that_other_parts_contradict(findings) -> None:
    text = TEXT.replace('lateness = "1d"', 'lateness = "soon"', 1)
    text = text.replace('time = "occurred_at_ms"', 'time = "occurred"', 1)
    text = text.replace('kpi = "in_time_share"', 'kpi = "in_time"', 1)
    keys = {each.key for each in findings(text)}
    assert keys >= {"events.lateness", "events.time", "go_on.1.kpi"}


def test_a_mistake_is_not_told_again_by_what_depends_on_it(findings) -> None:
    (only,) = findings(TEXT.replace('lateness = "1d"', 'lateness = "soon"', 1))
    assert only.key == "events.lateness"


@pytest.mark.parametrize(
    ("section", "fix"),
    [
        ("owner", "add [owner] with name = "),
        ("kpis", "add [[kpis]] with name = "),
        ("stop", "add [[stop]] with kpi = "),
        ("go_on", "add [[go_on]] with kpi = "),
        ("budget", "add [budget] with currency = "),
        ("deadline", "add [deadline] with within = "),
    ],
)
def test_a_section_without_which_nothing_starts_is_told_with_an_example(
    findings, section, fix
) -> None:
    missing = [each for each in findings(without(section)) if each.key == section]
    assert [each.message.startswith("is missing: ") for each in missing] == [True]
    assert missing[0].fix.startswith(fix)
    assert missing[0].line == 1


def test_without_an_objective_nothing_starts(findings) -> None:
    (missing,) = findings(re.sub(r"(?m)^objective = .*\n", "", TEXT))
    assert (missing.key, missing.fix.split(" = ")[0]) == ("objective", "add objective")


def test_an_empty_charter_lacks_everything(findings) -> None:
    keys = {each.key for each in findings("")}
    assert keys >= {"name", "objective", "owner", "kpis", "stop", "budget", "events", "model"}


def test_what_is_no_toml_has_its_line(findings) -> None:
    (only,) = findings('name = "x"\nversion = \n')
    assert (only.line, only.key) == (2, "")


def test_values_of_the_wrong_shape_are_errors_and_no_crash(findings) -> None:
    for wrong in ("events = 1", "kpis = {}", "features = 3", "owner = []", "labels = true"):
        section = wrong.split(" ")[0]
        text = TEXT
        for part in {
            "events": ("events", r"events\.checks"),
            "labels": ("labels", r"labels\.sources"),
        }.get(section, (section,)):
            text = without(part, text)
        found = findings(f"{wrong}\n{text}")
        assert section in {each.key for each in found}, wrong
