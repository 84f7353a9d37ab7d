"""``headrace incidents``: what people must say before anything is asked of anybody."""

from functools import partial

import pytest

from headrace.commands import incidents, silences
from headrace.errors import HeadraceError


@pytest.mark.parametrize("say", [incidents.ack, incidents.resolve])
@pytest.mark.parametrize("what", [{"reason": " "}, {"reason": "why", "by": ""}])
def test_who_and_why_are_never_empty(say, what):
    with pytest.raises(HeadraceError, match="A reason and who gives it are not empty"):
        say("model-signals-0-1", **what)


@pytest.mark.parametrize(
    "say", [partial(silences.silence, lasting="1h"), silences.unsilence], ids=["silence", "un"]
)
def test_a_silence_is_of_an_incident_or_of_a_cause_and_says_who_and_why(say):
    with pytest.raises(HeadraceError, match="Either an incident or a cause"):
        say(reason="why")
    with pytest.raises(HeadraceError, match="Either an incident or a cause"):
        say("model-signals-0-1", cause="model", reason="why")
    with pytest.raises(HeadraceError, match="A reason and who gives it are not empty"):
        say(cause="model", reason=" ")


def test_a_silence_has_an_end():
    with pytest.raises(HeadraceError, match="--lasting for ever: a duration is"):
        silences.silence(cause="model", lasting="for ever", reason="why")


def said(cause=None, incident="", until=None, word="silence", reason="why"):
    return {
        "cause": cause,
        "incident_id": incident,
        "command": word,
        "by": "ada",
        "reason": reason,
        "until_ms": until,
        "commanded_at_ms": 0,
    }


def test_of_each_incident_and_each_cause_the_latest_silence_counts_until_it_is_over():
    commands = [
        said("data", until=9, reason="first"),
        said(incident="model-signals-0-1", until=7),
        said(incident="model-signals-0-1", word="ack"),
        said("data", until=8, reason="then"),
        said("value", until=9),
        said("value", until=4, reason="ended early"),
        said("serving", until=5),
    ]
    last = silences.that_last(commands, 5)
    assert [(row["silent"], row["why"]) for row in map(silences.row, last)] == [
        ("model-signals-0-1", "why"),
        ("data", "then"),
    ]
