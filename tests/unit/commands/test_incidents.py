"""``headrace incidents``: what people must say before anything is asked of anybody."""

import pytest

from headrace.commands import incidents
from headrace.errors import HeadraceError


@pytest.mark.parametrize("say", [incidents.ack, incidents.resolve])
@pytest.mark.parametrize("what", [{"reason": " "}, {"reason": "why", "by": ""}])
def test_who_and_why_are_never_empty(say, what):
    with pytest.raises(HeadraceError, match="A reason and who gives it are not empty"):
        say("model-signals-0-1", **what)


def test_a_silence_has_an_end():
    with pytest.raises(HeadraceError, match="--lasting for ever: a duration is"):
        incidents.silence("model-signals-0-1", lasting="for ever", reason="why")
