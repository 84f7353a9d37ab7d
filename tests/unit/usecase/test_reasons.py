"""Reasons: the weightiest first, in words with numbers, and as codes."""

import pytest

from headrace.errors import HeadraceError
from headrace.usecase.reasons import MOST, Case, Reasons
from headrace.usecase.rules import Condition, Rule
from support.desk import charter_with

FEATURES = ("ratio", "count", "age", "hour", "sum")
CONDITION = Condition(feature="count", op=">", value=1)
TEMPLATES = {
    "ratio": "amount is {value:.1f} times this card's 30-day mean",
    "count": "{value:.0f} payments, {usual:.0f} are usual",
}


def rule(code: str, action: str) -> Rule:
    return Rule(code=code, when=(CONDITION,), action=action, words=f"{code} at {{count:.0f}}")


RULES = [rule("soft", "review"), rule("hard", "decline"), rule("friend", "approve")]
REASONS = Reasons(TEMPLATES, RULES, FEATURES, (1.0, 3.0, 30.0, 12.0, 0.0), "currency")
PUSHING = (2.0, 3.0, -5.0, 0.0, 0.5)


def case(**changes: object) -> Case:
    plain = Case(
        record={"currency": "EUR"},
        vector=(8.3, 14.0, 2.0, 3.0, 70.0),
        contributions=PUSHING,
        score=0.9,
        hits=(),
        by_model="decline",
        action="decline",
        is_crowded_out=False,
    )
    return plain._replace(**changes)


def codes(**changes: object) -> list[str]:
    return [reason.code for reason in REASONS.of(case(**changes))]


def test_features_that_push_are_said_in_words_the_most_first() -> None:
    assert REASONS.of(case()) == [
        ("count", "14 payments, 3 are usual"),
        ("ratio", "amount is 8.3 times this card's 30-day mean"),
        ("sum", "sum is 70, where 0 is usual"),
    ]


def test_a_plain_approval_needs_no_reason() -> None:
    assert codes(by_model="approve", action="approve") == []


def test_rules_come_before_features_the_strictest_first() -> None:
    assert codes(hits=RULES[:2]) == ["hard", "soft", "count", "ratio"]
    assert REASONS.of(case(hits=RULES[:1]))[0] == ("soft", "soft at 14")


def test_there_are_four_at_most() -> None:
    assert len(codes(contributions=(1.0,) * 5)) == MOST
    assert codes(contributions=(1.0,) * 5) == ["ratio", "count", "age", "hour"]


def test_what_the_model_would_have_approved_is_not_explained_by_its_features() -> None:
    assert codes(hits=RULES[1:2], by_model="approve") == ["hard"]


def test_an_exemption_is_a_reason_only_where_it_exempts() -> None:
    assert codes(hits=RULES[2:], action="approve") == ["friend"]
    assert codes(hits=RULES[1:]) == ["hard", "count", "ratio", "sum"]


def test_a_decision_without_a_model_says_so() -> None:
    assert codes(by_model=None, contributions=(), hits=RULES[:1], action="review") == [
        "FALLBACK",
        "soft",
    ]
    assert codes(by_model=None, contributions=(), action="approve") == ["FALLBACK"]


def test_a_review_without_a_place_says_so() -> None:
    approved = codes(by_model="review", action="approve", is_crowded_out=True)
    declined = codes(by_model="review", action="decline", is_crowded_out=True)
    assert approved == ["CAPACITY"]
    assert declined == ["CAPACITY", "count", "ratio", "sum"]


def test_where_nothing_pushes_the_cost_is_the_reason() -> None:
    (reason,) = REASONS.of(case(contributions=(-1.0,) * 5))
    assert reason == ("EXPECTED_COST", "at a score of 0.90, to decline is expected to cost least")


def test_a_late_decision_says_how_late() -> None:
    late = REASONS.late(3_250, 2_000, is_crowded_out=False)
    assert late == [("LATE", "it was decided after 3,250 ms, where 2,000 ms are allowed")]
    crowded_out = REASONS.late(3_250, 2_000, is_crowded_out=True)
    assert [reason.code for reason in crowded_out] == ["LATE", "CAPACITY"]


def test_the_shipped_charter_has_words_for_every_feature() -> None:
    charter = charter_with()
    assert set(charter.reasons) == set(charter.feature_set.names)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("{value:.1f} of {card_cuont_1d}", "did you mean card_count_1d?"),
        ("of card {card_id}", "there is no feature, or number of the event, card_id"),
        ("{value", "expected '}'"),
        ("{value:>10}", "a number's format is as .1f"),
    ],
)
def test_words_about_what_is_not_there_are_a_charter_error(words, told) -> None:
    reason = 'night = "it is night"'
    with pytest.raises(HeadraceError) as caught:
        charter_with((reason, f'night = "{words}"'))
    assert told in caught.value.message
    assert "reasons.night" in caught.value.message


def test_words_about_an_unknown_feature_are_a_charter_error() -> None:
    with pytest.raises(HeadraceError, match="there is no feature nigth; did you mean night"):
        charter_with(('night = "it is night"', 'nigth = "it is night"'))


def test_a_probability_without_values_is_a_charter_error() -> None:
    values = charter_text("[values]", "[reasons]")
    with pytest.raises(HeadraceError, match=r"values: is missing: what each outcome is worth"):
        charter_with((values, ""))


def charter_text(begin: str, end: str) -> str:
    """The part of the shipped charter from one heading to before another."""
    from support.desk import CARD_FRAUD

    text = CARD_FRAUD.read_text()
    return text[text.index(begin) : text.index(end)]
