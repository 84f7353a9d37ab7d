"""``headrace backtest --topics --as-decided``: how it says what differs."""

from collections import Counter

import pytest

from headrace.backtesting.comparing import Comparison, Difference
from headrace.commands import console
from headrace.commands.as_decided import show


@pytest.fixture
def shown(capsys, monkeypatch):
    """Show a comparison as tables; returns what was printed."""
    monkeypatch.setattr(console.results, "_width", 200)

    def shown(comparison: Comparison) -> str:
        show("card-fraud 1", comparison)
        return capsys.readouterr().out

    return shown


def test_where_all_is_the_same_only_that_is_said(shown) -> None:
    told = shown(Comparison(same=1_234))
    assert "1,234" in told
    assert "Different" not in told
    assert "Not compared" not in told


def test_what_differs_is_told_by_field_with_examples_and_what_is_not_compared_by_why(shown) -> None:
    comparison = Comparison(
        same=7,
        different=1,
        fields=Counter(score=1),
        examples=[Difference("event-1", "score", 0.25, 0.5)],
        incomparable=Counter(no_model=3),
    )
    told = shown(comparison)
    for words in ("score", "event-1", "0.25", "0.5", "no_model", "3"):
        assert words in told
