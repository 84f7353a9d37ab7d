from pathlib import Path

import pytest

from headrace.errors import HeadraceError
from headrace.verification.terms import duration_ms, load_terms

CHARTER = """
name = "card-fraud"
[events]
schema = "card-fraud/Transaction"
id = "event_id"
key = "card_id"
time = "occurred_at_ms"
amount = "amount_minor"
currency = "currency"
lateness = "1h"
duplicate_span = "7d"
"""


@pytest.fixture
def charter(tmp_path: Path) -> Path:
    path = tmp_path / "charter.toml"
    path.write_text(CHARTER)
    return path


def test_terms_are_read_from_the_charters_file(charter: Path) -> None:
    terms = load_terms(charter)
    assert terms.events == "card-fraud.events"
    assert terms.dead_letters == "card-fraud.events.dlq"
    assert terms.group == "card-fraud.scoring"
    assert terms.duplicate_span_ms == 7 * 86_400_000
    assert terms.id_field == "event_id"


def test_a_given_name_overrides_the_charters(charter: Path) -> None:
    assert load_terms(charter, "test-1").decisions == "test-1.decisions"


def test_a_charter_without_money_has_no_amount(charter: Path) -> None:
    charter.write_text(CHARTER.replace("amount = ", "# ").replace("currency = ", "# "))
    terms = load_terms(charter)
    assert terms.amount_field is None
    assert terms.currency_field is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no toml at all", "cannot be read"),
        (CHARTER.replace("duplicate_span", "span"), "lacks 'duplicate_span'"),
        (CHARTER.replace("7d", "soon"), "'soon' is no duration"),
    ],
)
def test_a_charter_that_says_too_little_is_a_clear_error(
    text: str, says: str, charter: Path
) -> None:
    charter.write_text(text)
    with pytest.raises(HeadraceError, match=says):
        load_terms(charter)


def test_a_missing_charter_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(HeadraceError, match="cannot be read"):
        load_terms(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("text", "milliseconds"), [("90s", 90_000), ("5m", 300_000), ("2h", 7_200_000)]
)
def test_durations_have_units(text: str, milliseconds: int) -> None:
    assert duration_ms(text) == milliseconds


@pytest.mark.parametrize("text", ["", "d", "7", "-1d", "1.5h", "7 d", "7w"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(HeadraceError):
        duration_ms(text)
