"""The charter: what it declares, and every error at once with its line."""

from hashlib import sha256
from pathlib import Path

import pytest

from headrace.contracts.location import shipped
from headrace.contracts.schemas import load_schema
from headrace.errors import HeadraceError
from headrace.usecase.charter import Charter

CARD_FRAUD = shipped("deploy") / "charters/card-fraud.toml"
DAY_MS = 86_400_000


def fields_of(schema: str) -> list[str]:
    return [field["name"] for field in load_schema(schema)["fields"]]


@pytest.fixture
def complaint(tmp_path: Path):
    """Return what loading says of the card fraud charter with some texts replaced."""

    def load(*replacements: tuple[str, str]) -> str:
        text = CARD_FRAUD.read_text()
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new, 1)
        (tmp_path / "charter.toml").write_text(text)
        with pytest.raises(HeadraceError) as caught:
            Charter.load(tmp_path / "charter.toml", fields_of)
        return caught.value.message

    return load


def line_of(text: str) -> int:
    return CARD_FRAUD.read_text().split(text)[0].count("\n") + 1


def test_the_shipped_charter_fits_its_schema() -> None:
    charter = Charter.load(CARD_FRAUD, fields_of)
    assert charter.name == "card-fraud"
    assert charter.digest == sha256(CARD_FRAUD.read_bytes()).digest()
    assert charter.events.lateness_ms == DAY_MS
    assert charter.feature_set.windows_ms == (DAY_MS, 7 * DAY_MS, 30 * DAY_MS)


def test_events_are_kept_for_the_longest_window_and_the_lateness() -> None:
    assert Charter.load(CARD_FRAUD).retention_ms == 31 * DAY_MS


def test_events_are_kept_for_the_duplicate_span_where_that_is_longer(tmp_path: Path) -> None:
    text = CARD_FRAUD.read_text().replace('duplicate_span = "7d"', 'duplicate_span = "60d"')
    (tmp_path / "charter.toml").write_text(text)
    assert Charter.load(tmp_path / "charter.toml").retention_ms == 60 * DAY_MS


def test_every_error_is_told_at_once_in_the_order_of_the_lines(complaint) -> None:
    told = complaint(
        ('name = "card-fraud"', 'name = "Card.Fraud"'),
        ("lateness =", "latenes ="),
        ('window = "1d"', 'window = "1 day"'),
        ("scale = 33", "scale = 0"),
        ("review_at = 0.3", "review_at = 0.95"),
    ).splitlines()
    assert "has 6 errors" in told[0]
    assert [line.split(":")[0].strip() for line in told[1:]] == [
        f"line {line_of('name =')}, name",
        f"line {line_of('[events]')}, events.lateness",
        f"line {line_of('lateness =')}, events.latenes",
        f"line {line_of('window =')}, features.1.window",
        f"line {line_of('card_count_30d = {')}, model.features.card_count_30d.scale",
        f"line {line_of('[policy]')}, policy",
    ]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("lateness =", "latenes =", "there is no key latenes; did you mean lateness?"),
        ("max_length = 128", "maxlength = 128", "did you mean max_length?"),
        ('key = "card_id"', 'key = "card"', "no field of the event card; did you mean card_id?"),
        ("currency = {", "curency = {", "no field of the event curency; did you mean currency?"),
        ('field = "amount_minor"', 'field = "amount"', "did you mean amount_minor?"),
        (
            "card_count_1d = {",
            "cards_count_1d = {",
            "there is no feature cards_count_1d; did you mean card_count_1d?",
        ),
        ("card_count_1d = {", "cards_count_1d = {", "the feature card_count_1d has no term"),
        ('name = "card_count_7d"', 'name = "card_count_1d"', "card_count_1d is declared twice"),
        ('lateness = "1d"', "lateness = 1", 'a whole number and a unit: "90s"'),
        ('lateness = "1d"', 'lateness = "0d"', "events.lateness: should be greater than 0"),
        ("max = 100_000_000", "max = nan", "it should be a finite number"),
        ("max = 100_000_000", "max = -1", "min 0 is above max -1"),
        ("max = 100_000_000", f"max = 1{'0' * 400}", "it should be a finite number"),
        ("max = 100_000_000", "max = 10_000_000_000_000", "min and max within 10^12"),
        ("min = 946_684_800_000", "one_of = ['x']", "occurred_at_ms needs a check"),
        ('field = "amount_minor"', 'field = "distance_km"', "and not nullable"),
        ("nullable = true", "max_length = 5", "a check is min and/or max, or one_of, or max_len"),
        ("nullable = true", 'nullable = "yes"', "should be a valid boolean"),
        ('aggregate = "count"', 'aggregate = "median"', "should be 'count' or 'mean'"),
        ('aggregate = "count"', 'field = "amount_minor"', "a field, or an aggregate and a window"),
        ("decline_at = 0.9", "decline_at = 1.9", "should be less than or equal to 1"),
        ("intercept = -5.0", 'intercept = "-5.0"', "it should be a finite number"),
        ('version = "1"', "version = 1", "version: should be a valid string"),
        ('schema = "card-fraud/Transaction"', 'schema = ""', "at least 1 character"),
        ("[policy]", "[policy", "the file: Expected ']'"),
    ],
)
def test_an_error_says_what_would_be_right(complaint, old, new, told) -> None:
    assert told in complaint((old, new))


def test_an_unknown_schema_is_an_error_of_its_own(complaint) -> None:
    told = complaint(("card-fraud/Transaction", "card-fraud/Transactoin"))
    assert "no schema 'card-fraud/Transactoin'" in told


def test_without_the_schema_the_fields_are_not_checked(tmp_path: Path) -> None:
    text = CARD_FRAUD.read_text().replace('id = "event_id"', 'id = "any"', 1)
    (tmp_path / "charter.toml").write_text(text)
    assert Charter.load(tmp_path / "charter.toml").events.id == "any"


def test_a_charter_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(HeadraceError, match=r"none\.toml cannot be read: No such file"):
        Charter.load(tmp_path / "none.toml")


def test_a_charter_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "charter.toml").write_bytes(b"name = '\xff'")
    with pytest.raises(HeadraceError, match="is not UTF-8"):
        Charter.load(tmp_path / "charter.toml")


def test_nothing_in_a_charter_can_be_changed() -> None:
    charter = Charter.load(CARD_FRAUD)
    for part, name in ((charter, "name"), (charter.events, "key"), (charter.policy, "version")):
        with pytest.raises(Exception, match=r"frozen|cannot assign"):
            setattr(part, name, "other")
