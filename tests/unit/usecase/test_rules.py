"""Rules: when they apply, and what is wrong with them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from headrace.errors import HeadraceError
from headrace.usecase.entities import EntityLists
from headrace.usecase.rules import COMPARISONS, Condition, Rule, RuleSet, list_names
from support.desk import charter_with

FEATURES = ("count", "ratio")
NOBODY = EntityLists({})
FIRST_RULE = '[[rules]]\ncode = "blocked-card"'


def rule(*when: dict, code: str = "a-rule", action: str = "review") -> Rule:
    declared = {"code": code, "when": when, "action": action, "words": "so it is"}
    return TypeAdapter(Rule).validate_python(declared)


def event(**fields):
    return {"amount": 100, "currency": "EUR", "card": "card-1", "distance": None, **fields}


def applies(when: dict, record: dict, vector=(0.0, 0.0), lists=NOBODY) -> bool:
    return bool(RuleSet([rule(when)], FEATURES).hits([record], np.array([vector]), lists))


@pytest.mark.parametrize(
    ("op", "value", "holds"),
    [
        (">", 99, True),
        (">", 100, False),
        (">=", 100, True),
        ("<", 100, False),
        ("<=", 100, True),
        ("==", 100, True),
        ("!=", 100, False),
        ("in", [1, 100], True),
        ("in", [1], False),
        ("not_in", [1], True),
        ("not_in", [1, 100], False),
    ],
)
def test_a_condition_compares_fields_and_features_alike(op, value, holds) -> None:
    assert applies({"field": "amount", "op": op, "value": value}, event()) == holds
    assert applies({"feature": "count", "op": op, "value": value}, event(), (100, 0)) == holds


@pytest.mark.parametrize(
    ("op", "value", "holds"),
    [("==", "EUR", True), ("!=", "EUR", False), ("in", ["CHF"], False), ("not_in", ["CHF"], True)],
)
def test_texts_are_compared_for_being_equal(op, value, holds) -> None:
    assert applies({"field": "currency", "op": op, "value": value}, event()) == holds


@pytest.mark.parametrize("op", ["<", "!=", "not_in"])
def test_null_meets_no_condition(op) -> None:
    value = [1] if op == "not_in" else 1
    assert not applies({"field": "distance", "op": op, "value": value}, event())


def test_an_entity_is_looked_up_in_the_list_as_it_is_now() -> None:
    entries = {"stolen/card-1": {"listed": True}, "stolen/card-2": {"listed": False}}
    when = {"field": "card", "listed_in": "stolen"}
    lists = EntityLists(entries)
    found = [applies(when, event(card=f"card-{n}"), lists=lists) for n in (1, 2, 3)]
    assert found == [True, False, False]
    entries["stolen/card-2"] = {"listed": True}
    assert applies(when, event(card="card-2"), lists=lists)
    assert not applies(when, event(card=None), lists=EntityLists({"stolen/None": {"listed": True}}))


def test_all_conditions_must_hold_and_all_rules_are_told_in_their_order() -> None:
    large = {"field": "amount", "op": ">", "value": 50}
    often = {"feature": "count", "op": ">", "value": 3}
    rules = RuleSet([rule(often, large, code="both"), rule(large, code="large")], FEATURES)
    records = [event(), event(amount=10), event()]
    matrix = np.array([[4.0, 0], [9.0, 0], [1.0, 0]])
    hits = rules.hits(records, matrix, NOBODY)
    assert {row: [each.code for each in found] for row, found in hits.items()} == {
        0: ["both", "large"],
        2: ["large"],
    }


conditions = st.one_of(
    st.builds(
        lambda op, value: {"feature": "count", "op": op, "value": value},
        st.sampled_from(sorted(COMPARISONS)),
        st.integers(-3, 3),
    ),
    st.builds(
        lambda op, value: {"field": "amount", "op": op, "value": value},
        st.sampled_from(sorted(COMPARISONS)),
        st.integers(-3, 3),
    ),
)
numbers = st.integers(-3, 3)


@given(
    st.lists(conditions, min_size=1, max_size=4),
    st.lists(st.tuples(numbers, st.none() | numbers), max_size=20),
)
def test_a_batch_is_what_its_events_are_one_by_one(when, events) -> None:
    rules = RuleSet([rule(*when)], FEATURES)
    records = [event(amount=amount) for _, amount in events]
    matrix = np.array([[count, 0.0] for count, _ in events]).reshape(len(events), 2)
    by_hand = [
        all(
            actual is not None and COMPARISONS[each["op"]](actual, each["value"])
            for each in when
            for actual in (count if "feature" in each else amount,)
        )
        for count, amount in events
    ]
    assert sorted(rules.hits(records, matrix, NOBODY)) == [
        row for row, holds in enumerate(by_hand) if holds
    ]


@pytest.mark.parametrize(
    ("when", "told"),
    [
        ({"op": ">", "value": 1}, "about a field or a feature"),
        ({"field": "a", "feature": "b", "op": ">", "value": 1}, "about a field or a feature"),
        ({"field": "a"}, "an op and a value, or listed_in"),
        ({"field": "a", "op": ">", "listed_in": "b"}, "an op and a value, or listed_in"),
        ({"field": "a", "op": ">"}, "an op and a value belong together"),
        ({"feature": "a", "listed_in": "b"}, "only a field's value can be on a list"),
        ({"field": "a", "op": "in", "value": 1}, "in and not_in take a list"),
        ({"field": "a", "op": ">", "value": [1]}, "in and not_in take a list"),
        ({"field": "a", "op": "in", "value": [1, "a"]}, "all numbers or all texts"),
        ({"field": "a", "op": "in", "value": []}, "all numbers or all texts"),
        ({"field": "a", "op": ">", "value": "b"}, "> compares numbers"),
        ({"field": "a", "op": ">", "value": float("nan")}, "finite number"),
        ({"field": "a", "op": "=~", "value": 1}, "'>', '>='"),
        ({"field": "a", "op": "==", "value": True}, "finite number"),
        ({"field": "a", "listed_in": "A list"}, "match pattern"),
    ],
)
def test_a_condition_has_one_meaning(when, told) -> None:
    with pytest.raises(ValidationError, match=told):
        TypeAdapter(Condition).validate_python(when)


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ('{ field = "card", op = "==", value = "x" }', "did you mean card_id?"),
        ('{ feature = "card_count", op = ">", value = 1 }', "there is no feature card_count"),
        ('{ field = "amount_minor", op = "==", value = "x" }', "the field amount_minor is a num"),
        ('{ field = "card_id", op = "==", value = 5 }', "the field card_id is a text"),
        ('{ field = "amount_minor", listed_in = "x" }', "the field amount_minor is a number"),
        ('{ feature = "card_count_1d", op = "==", value = "x" }', "card_count_1d is a number"),
        ('{ field = "currency", op = "==", value = "EURO" }', "no currency EURO; did you mean EUR"),
    ],
)
def test_what_a_rule_is_about_must_be_there_and_of_its_type(condition, told) -> None:
    broken = f'[[rules]]\ncode = "x"\nwhen = [{condition}]\naction = "review"\nwords = "x"\n\n'
    with pytest.raises(HeadraceError) as caught:
        charter_with((FIRST_RULE, broken + FIRST_RULE))
    assert told in caught.value.message
    assert "rules.0.when.0" in caught.value.message


def test_a_code_is_taken_once() -> None:
    with pytest.raises(HeadraceError, match="velocity-limit is declared twice"):
        charter_with(('code = "amount-limit"', 'code = "velocity-limit"'))


def test_the_shipped_rules_look_at_these_lists() -> None:
    lists = ["blocked-cards", "blocked-merchants", "trusted-cards"]
    assert list_names(charter_with().rules) == lists
