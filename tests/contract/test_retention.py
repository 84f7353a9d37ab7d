"""docs/retention.md says what the declared topics and the charter say."""

from pathlib import Path

import pytest

from headrace.commands.kept import CARRIED, document, rows
from headrace.contracts.location import shipped
from headrace.contracts.schemas import field_names, schema_names
from headrace.usecase.charter import Charter

ROOT = Path(__file__).parents[2]
CARD_FRAUD = Charter.load(shipped("deploy") / "charters" / "card-fraud.toml")
DEMAND = Charter.load(Path(__file__).parents[1] / "support/charters/demand.toml")


def test_the_document_is_what_the_command_prints():
    text = (ROOT / "docs/retention.md").read_text("utf-8")
    assert text == document(CARD_FRAUD), (
        "write it again: headrace topics kept --markdown > docs/retention.md"
    )


def test_every_schema_of_the_platform_says_what_it_carries_of_an_event():
    assert set(CARRIED) == {name for name in schema_names() if name.startswith("platform/")}


@pytest.mark.parametrize("schema", CARRIED)
def test_what_is_carried_stands_in_fields_that_there_are(schema):
    assert set(CARRIED[schema]) <= set(field_names(schema))


def test_a_personal_key_is_told_wherever_the_key_goes():
    personal = {row["topic"]: row["personal"] for row in rows(CARD_FRAUD)}
    assert "card_id" in personal["card-fraud.events"]
    assert "key" in personal["card-fraud.decisions"].split(", ")
    assert "value" in personal["card-fraud.events.dlq"].split(", ")
    assert personal["card-fraud.pauses"] == "nothing"


def test_where_nothing_is_personal_nothing_is_told():
    assert not DEMAND.events.personal
    assert {row["personal"] for row in rows(DEMAND)} == {"nothing"}
