"""A mapping that does not fit the event is refused with what was expected."""

import pytest

from headrace.contracts.location import shipped
from headrace.contracts.schemas import load_schema
from headrace.errors import HeadraceError
from headrace.simulator.mapping import Mapping

FDH = shipped("deploy") / "mappings" / "fdh.toml"
SCHEMA = load_schema("card-fraud/Transaction")


@pytest.fixture
def load(tmp_path):
    def load(text):
        path = tmp_path / "mapping.toml"
        path.write_text(text)
        return Mapping.load(path, SCHEMA)

    return load


def test_the_shipped_mapping_fits_and_leaves_the_distance_to_the_schemas_default():
    mapping = Mapping.load(FDH, SCHEMA)
    assert mapping.columns["amount_minor"].source == "TX_AMOUNT"
    assert mapping.fixed == {"currency": "EUR", "distance_km": None}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('as = "cents"', 'as = "euros"', "columns.amount_minor.as.*'text', 'cents' or 'utc_ms'"),
        ("from =", "form =", "columns.event_id.form.*not permitted"),
        ("[constants]", "[constant]", "constant: .*not permitted"),
        ("[columns.card_id]", "[columns.card]", "no field card; it has event_id, card_id"),
        ("[columns.card_id]", "[columns.card]", "card_id has neither a column nor a constant"),
        ('currency = "EUR"', "", "currency has neither a column nor a constant"),
        ('currency = "EUR"', "currency = 978", "constants.currency.*valid string"),
        ('currency = "EUR"', 'currency = "EUR"\ncard_id = "1"', "card_id is both"),
        ('as = "cents"', 'as = "text"', "amount_minor would be a string; .* needs long"),
        ('as = "text"', 'as = "utc_ms"', "event_id would be a long; the event needs string"),
        ("[constants]", "[constants]\ndistance_km = '3'", "would be a string; .*null or double"),
        ("[constants]", "[constants", "cannot read the mapping"),
    ],
)
def test_a_mistake_is_named_with_what_was_expected(load, old, new, expected):
    text = FDH.read_text()
    assert old in text
    with pytest.raises(HeadraceError, match=expected) as refused:
        load(text.replace(old, new))
    assert refused.value.fix


def test_a_mapping_without_columns_is_refused(load):
    with pytest.raises(HeadraceError, match="columns: Field required"):
        load("")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(HeadraceError, match=r"cannot read the mapping .*nowhere.toml"):
        Mapping.load(tmp_path / "nowhere.toml", SCHEMA)
