"""What a charter marks as personal: no message about a fault says it."""

from pathlib import Path

import pytest

from headrace.contracts.location import shipped
from headrace.contracts.schemas import field_names
from headrace.usecase.charter import Charter

CARD_FRAUD = shipped("deploy") / "charters/card-fraud.toml"
NOW_MS = 1_700_000_000_000
RECORD = {
    "event_id": "e-1",
    "card_id": "card-1",
    "merchant_id": "merchant-1",
    "amount_minor": 4_200,
    "currency": "EUR",
    "occurred_at_ms": NOW_MS,
    "distance_km": None,
}


@pytest.fixture
def charter() -> Charter:
    return Charter.load(CARD_FRAUD, field_names)


def test_the_card_and_where_it_is_are_personal(charter) -> None:
    assert set(charter.events.personal) == {"card_id", "distance_km"}


def test_a_fault_of_a_personal_field_does_not_quote_its_value(charter) -> None:
    for field, value in (("distance_km", 48_151.625), ("card_id", "4711" * 99)):
        fault = charter.checks(RECORD | {field: value}, NOW_MS)
        assert fault == ("invalid_value", f"{field} fails its check (personal: not shown)")


def test_a_fault_of_another_field_does(charter) -> None:
    fault = charter.checks(RECORD | {"amount_minor": -7}, NOW_MS)
    assert fault == ("invalid_value", "amount_minor is -7, not from 0 to 100000000")


def test_what_is_right_has_no_fault(charter) -> None:
    assert charter.checks(RECORD | {"distance_km": 5.0}, NOW_MS) is None


def test_marking_a_field_as_personal_changes_no_decision(charter, tmp_path: Path) -> None:
    text = CARD_FRAUD.read_text().replace('personal = ["card_id", "distance_km"]', "personal = []")
    (tmp_path / "charter.toml").write_text(text)
    open_one = Charter.load(tmp_path / "charter.toml", field_names)
    assert open_one.feature_set.digest == charter.feature_set.digest
    assert "48151.625" in str(open_one.checks(RECORD | {"distance_km": 48_151.625}, NOW_MS))
