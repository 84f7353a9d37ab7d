"""How closely a charter has its use case watched."""

import pytest

from headrace.errors import HeadraceError
from headrace.usecase.charter import Charter
from headrace.usecase.drift import Drift
from support.charter_texts import card_fraud

DAY_MS = 86_400_000


@pytest.fixture
def load(tmp_path):
    def load(declared):
        path = tmp_path / "card-fraud.toml"
        path.write_text(card_fraud() + declared)
        return Charter.load(path)

    return load


def test_what_is_not_declared_is_watched_all_the_same(load):
    assert load("").drift == Drift()
    assert Drift().retrain
    assert (Drift().once_in, Drift().cool_down_ms) == (300_000, 7 * DAY_MS)
    assert Drift().segments == ()


def test_what_is_declared_is_read(load):
    drift = load('[drift]\nonce_in = 5_000\nretrain = false\ncool_down = "2d"\n').drift
    assert (drift.once_in, drift.retrain, drift.cool_down_ms) == (5_000, False, 2 * DAY_MS)
    drift = load('[drift]\nsegments = ["card_new", "weekend"]\n').drift
    assert drift.segments == ("card_new", "weekend")


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ("once_in = 999", "once_in: should be greater than or equal to 1000"),
        ("once_in = 5e3", "once_in: should be a valid integer"),
        ('retrain = "no"', "retrain: should be a valid boolean"),
        ("cool_down = 7", "cool_down: .*a whole number and a unit"),
        ("cooldown = 7", "cooldown: .*did you mean cool_down"),
        (
            'segments = ["weekend", "card_neu"]',
            r"segments\.1: there is no feature card_neu; did you mean card_new\?",
        ),
        ('segments = ["country"]', "there is no feature country; known: weekend, night, card_new"),
        (
            'segments = ["amount_minor"]',
            "amount_minor may have many values; name a flag or a calendar feature, or declare a",
        ),
        ('segments = ["night", "night"]', r"segments\.1: night is named twice; name it once"),
        ('segments = ["night", 7]', r"segments\.1: should be a valid string"),
        ('segments = "night"', "segments: should be a valid tuple"),
    ],
)
def test_what_is_wrong_is_told(load, declared, told):
    with pytest.raises(HeadraceError, match=told):
        load(f"[drift]\n{declared}\n")


def test_a_segment_by_a_feature_that_is_wrong_in_itself_is_no_second_error(tmp_path):
    path = tmp_path / "card-fraud.toml"
    broken = card_fraud().replace('flag = "card_count_30d"\nbelow = 5', 'flag = "card_count_30d"')
    path.write_text(broken + '[drift]\nsegments = ["card_new"]\n')
    with pytest.raises(HeadraceError, match="a flag is exactly one of") as raised:
        Charter.load(path)
    assert "segments" not in str(raised.value)
