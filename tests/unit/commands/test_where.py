"""``--where field=value`` picks records."""

import pytest

from headrace.commands.where import as_json, as_text, conditions, matches
from headrace.contracts.schemas import load_schema
from headrace.errors import HeadraceError

SCHEMA = load_schema("platform/DecisionMade")
RECORD = {
    "action": "approve",
    "score": 0.5,
    "amount_minor": 4_999,
    "currency": None,
    "late": False,
    "model_digest": b"\x00\xff",
    "rule_hits": ["night", "abroad"],
    "headers": [{"name": "a", "value": b"\x01"}],
}


@pytest.mark.parametrize(
    "pair",
    [
        "action=approve",
        "score=0.5",
        "score=.50",
        "score=5e-1",
        "amount_minor=4999",
        "currency=null",
        "late=false",
        "model_digest=00ff",
        'rule_hits=["night","abroad"]',
    ],
)
def test_a_field_equals_what_is_shown(pair):
    assert matches(RECORD, conditions([pair], None))


@pytest.mark.parametrize(
    "pair",
    ["action=", "action=approv", "score=half", "score=0.51", "late=0", "currency=", "missing=1"],
)
def test_a_field_with_another_value_does_not_match(pair):
    assert not matches(RECORD, conditions([pair], None))


def test_all_conditions_must_hold():
    assert matches(RECORD, conditions(["action=approve", "late=false"], SCHEMA))
    assert not matches(RECORD, conditions(["action=approve", "late=true"], SCHEMA))
    assert matches(RECORD, {})


def test_a_value_may_hold_the_sign_of_equality():
    assert conditions(["reason=a=b"], None) == {"reason": "a=b"}


def test_an_unknown_field_is_an_error_with_the_one_that_was_meant():
    with pytest.raises(HeadraceError, match="acton") as refused:
        conditions(["acton=approve"], SCHEMA)
    assert refused.value.fix == "Did you mean action?"


def test_an_unknown_field_that_resembles_none_is_an_error_with_all_of_them():
    with pytest.raises(HeadraceError) as refused:
        conditions(["zzz=1"], SCHEMA)
    assert "decision_id" in refused.value.fix
    assert "late" in refused.value.fix


def test_a_pair_without_a_sign_of_equality_is_an_error():
    with pytest.raises(HeadraceError, match="not field=value"):
        conditions(["action"], SCHEMA)


def test_values_are_shown_as_text():
    assert as_text("as it is") == "as it is"
    assert as_text(b"\x00\xff") == "00ff"
    assert as_text(None) == "null"
    assert as_text(RECORD["headers"]) == '[{"name":"a","value":"01"}]'


def test_values_are_json_with_bytes_as_hexadecimal_at_any_depth():
    assert as_json(RECORD) | {"headers": as_json(RECORD["headers"])} == {
        **RECORD,
        "model_digest": "00ff",
        "headers": [{"name": "a", "value": "01"}],
    }
