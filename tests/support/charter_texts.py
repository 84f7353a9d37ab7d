"""The shipped charters as texts, to be changed."""

import re

from headrace.contracts.location import shipped

_LEARNING = re.compile(r"(?ms)^# What learns.*?(?=^# Whatever the model says)")


def card_fraud(*, learning: bool = True) -> str:
    """The charter of card fraud; without what it says of learning, where asked for."""
    text = (shipped("deploy") / "charters" / "card-fraud.toml").read_text("utf-8")
    shorter = _LEARNING.sub("", text)
    assert shorter != text
    return text if learning else shorter
