"""The charter: what it declares, and what every error says."""

from hashlib import sha256
from pathlib import Path

import pytest

from headrace.contracts.location import shipped
from headrace.contracts.schemas import field_names
from headrace.errors import HeadraceError
from headrace.usecase.charter import Charter
from support.charter_texts import card_fraud

CARD_FRAUD = shipped("deploy") / "charters/card-fraud.toml"
DAY_MS = 86_400_000


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
            Charter.load(tmp_path / "charter.toml", field_names)
        return caught.value.message

    return load


def line_of(text: str) -> int:
    return CARD_FRAUD.read_text().split(text)[0].count("\n") + 1


def test_the_shipped_charter_fits_its_schema() -> None:
    charter = Charter.load(CARD_FRAUD, field_names)
    assert charter.name == "card-fraud"
    assert charter.digest == sha256(CARD_FRAUD.read_bytes()).digest()
    assert charter.events.lateness_ms == DAY_MS
    assert charter.stage == "live"
    assert (charter.deadline_ms, charter.late_action) == (2_000, "review")
    assert charter.labels.sources["analyst"].delay_ms == DAY_MS // 6


def test_events_are_kept_for_the_longest_window_and_the_lateness() -> None:
    assert Charter.load(CARD_FRAUD).retention_ms == 31 * DAY_MS


def test_events_are_kept_for_the_duplicate_span_where_that_is_longer(tmp_path: Path) -> None:
    text = CARD_FRAUD.read_text().replace('duplicate_span = "7d"', 'duplicate_span = "60d"')
    (tmp_path / "charter.toml").write_text(text)
    assert Charter.load(tmp_path / "charter.toml").retention_ms == 60 * DAY_MS


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("lateness =", "latenes =", "there is no key latenes; did you mean lateness?"),
        ("max_length = 128", "maxlength = 128", "did you mean max_length?"),
        ('key = "card_id"', 'key = "card"', "no field of the event card; did you mean card_id?"),
        ("currency = {", "curency = {", "no field of the event curency; did you mean currency?"),
        ('personal = ["card_id"', 'personal = ["card"', "did you mean card_id?"),
        ('lateness = "1d"', "lateness = 1", 'a whole number and a unit: "90s"'),
        ('lateness = "1d"', 'lateness = "0d"', "events.lateness: should be greater than 0"),
        ('within = "2s"', 'within = "2 s"', 'a whole number and a unit: "200ms"'),
        ("max = 100_000_000", "max = nan", "it should be a finite number"),
        ("max = 100_000_000", "max = -1", "min 0 is above max -1"),
        ("max = 100_000_000", f"max = 1{'0' * 400}", "it should be a finite number"),
        ("max = 100_000_000", "max = 10_000_000_000_000", "min and max within 10^12"),
        ("min = 946_684_800_000", "one_of = ['x']", "occurred_at_ms needs a check"),
        ("nullable = true", "max_length = 5", "a check is min and/or max, or one_of, or max_len"),
        ("nullable = true", 'nullable = "yes"', "should be a valid boolean"),
        ("intercept = ", 'intercept = "a" # ', "it should be a finite number"),
        ("card_count_1d = {", "cards_count_1d = {", "no feature cards_count_1d; did you mean"),
        ('version = "1"', "version = 1", "version: should be a valid string and not 1"),
        ('schema = "card-fraud/Transaction"', 'schema = ""', "at least 1 character"),
        ("[policy]", "[policy", "line {line}, the file: Expected ']'"),
        ('stage = "live"', 'stage = "on"', "is 'on'; it should be 'shadow', 'canary' or 'live'"),
        ('role = "Head of Payments Risk"\n', "", 'add role = "Head of Orders"'),
        ("target = 0.0005", "", "kpis.0.target: is missing: The value to reach; add target = "),
        ('better = "lower"', 'better = "less"', "is 'less'; it should be 'higher' or 'lower'"),
        ("below = 0.001", "above = 0.001", "of fraud_loss_share, lower is better; write below"),
        ("above = 0.003", "below = 0.003", "of fraud_loss_share, lower is better; write above"),
        ("above = 0.003", "above = 0.0004", "would stop a use case that reaches its target"),
        ("above = 0.003", "", "a condition is a kpi, and either above or below"),
        ('kpi = "in_time_share"', 'kpi = "in_time"', "no KPI in_time; did you mean in_time_share?"),
        ('name = "in_time_share"', 'name = "fraud_loss_share"', "is declared twice"),
        ("per_day = 500", "per_day = 0", "review_capacity.per_day: should be greater than 0"),
        ("per_month_minor = 250_000", "per_month_minor = 2.5", "should be a valid integer"),
        ('currency = "EUR"', 'currency = "Euro"', "budget.currency: "),
        ('attributes = ["age_band"]', 'attributes = ["amount_minor"]', "must not decide"),
        ('horizon = "60d"', 'horizon = "20d"', "lengthen that, or say corrects = true"),
        ('delay = "4h"', 'delay = "4d"', "delay must not be longer than horizon"),
        ('actions = ["review"]', 'actions = ["watch"]', "'approve', 'review' or 'decline'"),
    ],
)
def test_an_error_says_what_would_be_right(complaint, old, new, told) -> None:
    assert told.format(line=line_of(old)) in complaint((old, new))


def test_an_unknown_schema_is_an_error_with_its_line(complaint) -> None:
    told = complaint(("card-fraud/Transaction", "card-fraud/Transactoin"))
    assert f"line {line_of('schema =')}, events.schema" in told
    assert "no schema 'card-fraud/Transactoin'" in told
    assert "Did you mean card-fraud/Transaction?" in told


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
    parts = ((charter, "name"), (charter.events, "key"), (charter.owner, "role"))
    for part, name in parts:
        with pytest.raises(Exception, match=r"frozen|cannot assign"):
            setattr(part, name, "other")


def test_where_nothing_learns_the_scorecard_weighs_every_feature(tmp_path) -> None:
    text = card_fraud(learning=False)
    assert "card_count_1d = {" in text
    path = tmp_path / "charter.toml"
    path.write_text(text.replace("card_count_1d = {", "cards_count_1d = {"))
    with pytest.raises(HeadraceError, match="the feature card_count_1d has no term"):
        Charter.load(path)
