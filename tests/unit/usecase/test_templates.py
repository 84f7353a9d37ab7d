"""Sentences with numbers in them."""

import pytest

from headrace.usecase.money import in_words
from headrace.usecase.templates import Template, names, places

RECORD = {"amount_minor": 123_450, "currency": "EUR", "distance_km": None, "channel": "web"}
FEATURES = ("ratio", "count")


def say(template: str, **given: float) -> str:
    return Template(template, FEATURES, "currency").say(RECORD, (8.26, 12.0), given)


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("it is so", "it is so"),
        ("amount is {ratio:.1f} times the mean", "amount is 8.3 times the mean"),
        ("{count} payments", "12 payments"),
        ("{count:.0f} payments, {ratio:.0%} more", "12 payments, 826% more"),
        ("{amount_minor:money} is much", "1,234.50 EUR is much"),
        ("{amount_minor:,.0f} cents", "123,450 cents"),
        ("by {channel}", "by web"),
        ("{distance_km:.0f} km away", "unknown km away"),
        ("{{braces}}", "{braces}"),
    ],
)
def test_features_and_fields_are_put_into_words(template, sentence) -> None:
    assert say(template) == sentence


def test_what_is_given_comes_first() -> None:
    assert say("{value:.0f}, {usual:.0f} is usual", value=7, usual=3) == "7, 3 is usual"


@pytest.mark.parametrize(
    "template",
    [
        "{ratio",
        "ratio}",
        "{}",
        "{0}",
        "{ratio.real}",
        "{ratio[0]}",
        "{ratio!r}",
        "{ratio:999999999d}",
        "{ratio:{count}}",
        "{ratio:x}",
        "{__class__}",
    ],
)
def test_a_template_names_numbers_and_does_nothing_else(template) -> None:
    with pytest.raises(ValueError, match=r"brace|format|name|'\{'|'\}'"):
        places(template)


def test_the_names_of_a_template_are_known() -> None:
    assert names("{a} and {b:.1f} and {a:money}") == ["a", "b", "a"]


@pytest.mark.parametrize(
    ("minor", "currency", "words"),
    [
        (5, "EUR", "0.05 EUR"),
        (-1_234_567, "USD", "-12,345.67 USD"),
        (1_234, "JPY", "1,234 JPY"),
        (1_234, "KWD", "1.234 KWD"),
    ],
)
def test_money_is_said_in_the_decimals_of_its_currency(minor, currency, words) -> None:
    assert in_words(minor, currency) == words
