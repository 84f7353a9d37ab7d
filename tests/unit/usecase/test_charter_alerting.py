"""Charters that say what people are told, and how often; and those that leave it out."""

import pytest

from headrace.contracts.schemas import field_names
from headrace.errors import HeadraceError
from headrace.simulator.kinds import REJECTED
from headrace.simulator.traffic import SHARES
from headrace.usecase.alerting import Alerting
from headrace.usecase.charter import Charter
from support.charter_texts import card_fraud


@pytest.fixture
def load(tmp_path):
    def load(alerting=""):
        path = tmp_path / "charter.toml"
        path.write_text(card_fraud(learning=False) + alerting)
        return Charter.load(path, field_names).alerting

    return load


def test_a_charter_that_says_nothing_has_alerting_all_the_same(load):
    alerting = load()
    assert alerting == Alerting()
    assert alerting.escalate_after_ms == 30 * 60_000
    assert alerting.severity("concept") == "critical"
    assert alerting.severity("input") == "warning"


def test_what_is_declared_is_read_and_the_rest_is_as_usual(load):
    alerting = load(
        '\n[alerting]\ncool_down = "90s"\ndead_letter_share = 0.02\n'
        'severities = { input = "critical", cost = "info" }\n'
    )
    assert alerting.cool_down_ms == 90_000
    assert alerting.dead_letter_share == 0.02
    assert alerting.severity("input") == "critical"
    assert alerting.severity("cost") == "info"
    assert alerting.severity("quality") == "warning"


def test_what_the_simulator_breaks_on_purpose_calls_nobody(load):
    broken = sum(share for kind, share in SHARES.items() if kind in REJECTED)
    assert load().dead_letter_share > 2 * broken


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ('cool_down = "soon"', "alerting.cool_down"),
        ("dead_letter_share = 2.0", "alerting.dead_letter_share"),
        ('severities = { input = "loud" }', "alerting.severities.input"),
        ('severities = { weather = "info" }', "alerting.severities"),
        ('page = "everybody"', "alerting.page"),
    ],
)
def test_what_is_declared_wrongly_is_told_with_its_key(load, declared, told):
    with pytest.raises(HeadraceError, match=told):
        load(f"\n[alerting]\n{declared}\n")
