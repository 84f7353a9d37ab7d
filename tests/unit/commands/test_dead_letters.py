"""``headrace dead-letters``: what is refused before any broker is asked."""

import pytest

from headrace.commands import dead_letters
from headrace.errors import HeadraceError


def test_a_replay_is_of_places_or_of_a_reason_and_not_of_both_or_neither() -> None:
    for places, reason in ((), None), (("3:17",), "future"):
        with pytest.raises(HeadraceError, match="Which dead letters"):
            dead_letters.replay(*places, reason=reason)


def test_an_unknown_reason_is_told_with_the_one_that_was_meant() -> None:
    with pytest.raises(HeadraceError, match="did you mean future"):
        dead_letters.list_(reason="futur")


def test_a_place_that_is_none_is_refused() -> None:
    with pytest.raises(HeadraceError, match="no place of a record"):
        dead_letters.show("first")
